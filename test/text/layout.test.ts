import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeText } from "../../src/text/encoding/decode.ts";
import { type LayoutOptions, layoutRow } from "../../src/text/rows/layout.ts";
import { loadWidths } from "../../src/text/rows/width.ts";
import { CONTROL, HOSTILE } from "./hostile.ts";

beforeAll(loadWidths);

const at = (options: Partial<LayoutOptions> = {}): LayoutOptions => ({
  left: 0,
  width: 80,
  colours: "pass",
  marks: [],
  ...options,
});
const withoutSgr = (row: string) => row.replace(/\x1b\[[0-9;]*m/g, "");

describe("layoutRow", () => {
  it("truncates plain text to the columns and reports it", () => {
    expect(layoutRow("abcdef", at({ width: 4 }))).toEqual({ text: "abcd", clipped: true });
    expect(layoutRow("abcd", at({ width: 4 }))).toEqual({ text: "abcd", clipped: false });
    expect(layoutRow("abcdef", at({ left: 2, width: 3 }))).toEqual({ text: "cde", clipped: true });
    expect(layoutRow("ab", at({ left: 5 }))).toEqual({ text: "", clipped: false });
  });

  it.each(HOSTILE)("shows $name instead of sending it", ({ bytes, shown }) => {
    const { text } = layoutRow(decodeText(bytes), at({ width: 1000 }));
    expect(withoutSgr(text)).toBe(shown);
    expect(withoutSgr(text)).not.toMatch(CONTROL);
  });

  it("expands tabs to the next multiple of eight", () => {
    expect(layoutRow("a\tb\tc", at()).text).toBe("a       b       c");
    expect(layoutRow("1234567\t|", at()).text).toBe("1234567 |");
    expect(layoutRow("\tx", at({ left: 3 })).text).toBe("     x");
  });

  it("keeps colours and ends them with the row", () => {
    expect(layoutRow("\x1b[31mred\x1b[0m plain", at()).text).toBe("\x1b[0;31mred\x1b[m plain");
    expect(layoutRow("\x1b[1;38;5;208mx", at()).text).toBe("\x1b[0;1;38;5;208mx\x1b[m");
    expect(layoutRow("\x1b[31mabcdef", at({ width: 3 })).text).toBe("\x1b[0;31mabc\x1b[m");
  });

  it("keeps a colour that begins left of the screen", () => {
    expect(layoutRow("\x1b[32mabcdef", at({ left: 3 })).text).toBe("\x1b[0;32mdef\x1b[m");
  });

  it("removes colours on request", () => {
    expect(layoutRow("\x1b[31mred\x1b[0m plain", at({ colours: "drop" })).text).toBe("red plain");
  });

  it("removes conceal and blink, which hide text", () => {
    expect(layoutRow("\x1b[8msecret\x1b[5m!", at()).text).toBe("secret!");
  });

  it("checks colour parameters", () => {
    expect(layoutRow("\x1b[38;5;999mx\x1b[38;2;1;2mx\x1b[99999999mx", at()).text).toBe("xxx");
  });

  it("counts wide characters as two columns and never splits one", () => {
    expect(layoutRow("日本語", at({ width: 5 }))).toEqual({ text: "日本", clipped: true });
    expect(layoutRow("日本語", at({ left: 1, width: 4 })).text).toBe(" 本");
    expect(layoutRow("e\u0301x👩‍👩‍👧‍👦y", at({ width: 4 })).text).toBe("e\u0301x👩‍👩‍👧‍👦");
  });

  it("reverses marked ranges, and un-reverses reversed text", () => {
    expect(layoutRow("an error here", at({ marks: [{ start: 3, end: 8 }] })).text).toBe("an \x1b[0;7merror\x1b[m here");
    expect(layoutRow("\x1b[7mabc", at({ marks: [{ start: 5, end: 6 }] })).text).toBe(
      "\x1b[0;7ma\x1b[mb\x1b[0;7mc\x1b[m",
    );
  });

  it("marks a line of ASCII as any other line", () => {
    const look = fc.constantFrom(undefined, { attributes: [1] }, { foreground: "31", attributes: [1, 7] }, {});
    const length = fc.nat(6);
    const line = fc.string({ unit: fc.constantFrom("a", " ", "~"), maxLength: 20 });
    fc.assert(
      fc.property(line, fc.array(fc.tuple(length, length, look)), (text, parts) => {
        let begin = 0;
        const marks = parts.map(([gap, size, look]) => {
          const start = begin + gap;
          begin = start + size;
          return { start, end: begin, look };
        });
        // The sequence sets the plain style.
        const later = marks.map(({ start, end, look }) => ({ start: start + 3, end: end + 3, look }));
        const expected = layoutRow(`\x1b[m${text}`, at({ width: 20, more: ">", marks: later }));
        expect(layoutRow(text, at({ width: 20, more: ">", marks }))).toEqual(expected);
      }),
    );
  });

  it("returns only printable characters and its own SGR within the width, for any text", () => {
    const piece = fc.oneof(
      fc.constantFrom(...HOSTILE.map(({ bytes }) => bytes)),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: "grapheme", maxLength: 8 }).map((text) => Buffer.from(text)),
      fc.constantFrom("\x1b[31m", "\x1b[0m", "\t", "日").map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.nat(30), fc.integer({ min: 1, max: 60 }), (pieces, left, width) => {
        const { text } = layoutRow(decodeText(Buffer.concat(pieces)), at({ left, width }));
        expect(withoutSgr(text)).not.toMatch(CONTROL);
        if (text.includes("\x1b")) expect(text.endsWith("\x1b[m")).toBe(!/\x1b\[m[^\x1b]+$/.test(text));
        expect([...withoutSgr(text)].filter((character) => /[\x20-\x7e]/.test(character)).length).toBeLessThanOrEqual(
          width,
        );
      }),
    );
  });
});
