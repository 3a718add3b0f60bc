import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeText } from "../../src/text/encoding/decode.ts";
import { layoutRow } from "../../src/text/rows/layout.ts";
import type { Mark } from "../../src/text/rows/paint.ts";
import { WrappedLine, wrapText } from "../../src/text/rows/wrap.ts";
import { plain } from "../helpers/plain.ts";
import { HOSTILE } from "./hostile.ts";

describe("wrapText", () => {
  const rows = (text: string, width: number, marks: readonly Mark[] = []) =>
    wrapText(text, { width, colours: "pass", marks });

  it("continues in the next row, and returns at least one row", () => {
    expect(rows("", 4)).toEqual([""]);
    expect(rows("abcdefghij", 4)).toEqual(["abcd", "efgh", "ij"]);
    expect(rows("abcd", 4)).toEqual(["abcd"]);
  });

  it("does not split wide characters, and escapes control characters", () => {
    expect(rows("a日本語", 4).map(plain)).toEqual(["a日", "本語"]);
    expect(rows("ab\x1b]0;x\x07", 4).map(plain)).toEqual(["ab^[", "]0;x", "^G"]);
    expect(rows("日", 1).map(plain)).toEqual(["?"]);
  });

  it("continues colours and marks in the next row, and resets them at the end of each row", () => {
    const [first = "", second = ""] = rows("\x1b[31mabcdef", 3);
    expect(first).toBe("\x1b[0;31mabc\x1b[m");
    expect(second).toBe("\x1b[0;31mdef\x1b[m");
    expect(rows("abcdef", 3, [{ start: 2, end: 4 }])).toEqual(["ab\x1b[0;7mc\x1b[m", "\x1b[0;7md\x1b[mef"]);
  });

  it("has the text of one long row", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", " ", "é", "\x01"), maxLength: 60 }),
        fc.integer({ min: 2, max: 9 }),
        (text, width) => {
          const whole = plain(layoutRow(text, { left: 0, width: 1000, colours: "pass", marks: [] }).text);
          expect(rows(text, width).map(plain).join("")).toBe(whole);
        },
      ),
    );
  });
});

describe("WrappedLine", () => {
  it("returns the rows of wrapText, for any range", () => {
    const piece = fc.oneof(
      fc.constantFrom(...HOSTILE.map(({ bytes }) => decodeText(bytes))),
      fc.constantFrom("\x1b[31m", "\x1b[0m", "\t", "日本", "e\u0301", "\0".repeat(700), "plain text ".repeat(90)),
      fc.string({ unit: "grapheme", maxLength: 20 }),
    );
    const pieces = fc.array(piece, { minLength: 1, maxLength: 60, size: "max" });
    const where = fc.record({ from: fc.nat(1000), length: fc.integer({ min: 1, max: 80 }), mark: fc.nat(5000) });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 40 }), where, (parts, width, { from, length, mark }) => {
        const text = parts.join("").repeat(2);
        const marks = [{ start: Math.min(mark, text.length), end: Math.min(mark + 300, text.length + 1) }];
        const all = wrapText(text, { width, colours: "pass", marks });
        const line = new WrappedLine(text, { width, colours: "pass" });
        expect(line.count).toBe(all.length);
        expect(line.rows(from, from + length, marks)).toEqual(all.slice(from, from + length));
      }),
    );
  });

  it("returns rows far inside a megabyte of control characters", () => {
    const line = new WrappedLine("\0".repeat(2 ** 20), { width: 100, colours: "pass" });
    expect(line.count).toBe(Math.ceil(2 ** 21 / 100));
    expect(line.rows(20_000, 20_002, [])).toEqual(Array(2).fill(`\x1b[0;2m${"^@".repeat(50)}\x1b[m`));
  });
});
