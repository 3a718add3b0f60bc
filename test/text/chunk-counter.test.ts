import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Encoding, encodeAs } from "../../src/text/encoding/encoding.ts";
import { CHUNK, chunkCounter, type Query } from "../../src/text/scan/chunk-counter.ts";
import { BLOCK } from "../../src/text/sources/block-cache.ts";
import { MemorySource } from "./memory-source.ts";

function hits(content: string | Buffer, query: Query): number[] {
  const source = new MemorySource(content);
  const counter = chunkCounter(source, query);
  const found: number[] = [];
  for (let chunk = 0; chunk * CHUNK < source.end(); chunk++) {
    const positions = counter.positions(chunk);
    expect(counter.count(chunk)).toBe(positions.length);
    for (const at of positions) expect(Math.floor(at / CHUNK)).toBe(chunk);
    found.push(...positions);
  }
  return found;
}

const lines = (pattern: string, more: { invert?: boolean; encoding?: Encoding; ignoreCase?: boolean } = {}): Query => ({
  kind: "lines",
  encoding: more.encoding ?? "utf-8",
  match: { patterns: [pattern], ignoreCase: more.ignoreCase },
  invert: more.invert ?? false,
});

describe("chunkCounter of lines", () => {
  it("finds lines by text and by expression, or lines without a match", () => {
    const text = "one\ntwo\none\ntwo";
    for (const pattern of ["one", "on[e]", "^one$"]) {
      expect(hits(text, lines(pattern))).toEqual([0, 8]);
      expect(hits(text, lines(pattern, { invert: true }))).toEqual([4, 12]);
    }
    expect(hits(text, lines("ONE", { ignoreCase: true }))).toEqual([0, 8]);
    expect(hits(text, lines("three"))).toEqual([]);
    expect(hits(text, lines("three", { invert: true }))).toEqual([0, 4, 8, 12]);
    expect(hits("", lines("x", { invert: true }))).toEqual([]);
  });

  it("counts a line across blocks or chunks where it begins", () => {
    const row = `${"x".repeat(99)}\n`;
    for (const border of [BLOCK, CHUNK]) {
      for (const gap of [-8, -4, -1, 0, 1]) {
        const content = row.repeat(Math.ceil((border + 500) / row.length));
        const at = border + gap;
        const text = `${content.slice(0, at)}NEEDLE${content.slice(at)}`;
        const line = text.lastIndexOf("\n", at) + 1;
        for (const pattern of ["NEEDLE", "NEE?DLE", "^x*NEEDLEx*$"]) expect(hits(text, lines(pattern))).toEqual([line]);
      }
    }
  });

  it("counts a line longer than a block once, and splits an endless line as Lines does", () => {
    expect(hits(`a\n${"y".repeat(BLOCK * 3)}END\nb\n`, lines("END"))).toEqual([2]);
    const endless = Buffer.alloc(CHUNK * 3 + 10, "z");
    expect(hits(endless, lines("z"))).toEqual([0, CHUNK, CHUNK * 2, CHUNK * 3]);
  });

  it("finds text without colour codes, as the screen shows it", () => {
    const shown = ["ERROR: disk", "[m", "x", "ERROR: disk", "ERR\x1b]0;OR: disk", "ERROR: disk", "ERROR: disk"];
    const text = [
      "\x1b[31mERR\x1b[1;4mOR\x1b[0m: disk",
      "[m",
      "\x1b[38;5;9mx",
      "\x1b[01;31m\x1b[KERROR\x1b[m\x1b[K: disk",
      "ERR\x1b]0;OR: disk",
      "ERROR\x1b(B\x1b[m: disk",
      "ERROR: disk",
    ].join("\n");
    const starts = shown.map((_, index) => text.split("\n").slice(0, index).join("\n").length + (index > 0 ? 1 : 0));
    for (const pattern of ["ERROR: disk", "ERROR: d.sk", "^ERROR: disk$", "R: "]) {
      const expected = starts.filter((_, index) => new RegExp(pattern).test(shown[index] ?? ""));
      expect(hits(text, lines(pattern))).toEqual(expected);
      const others = starts.filter((at) => !expected.includes(at));
      expect(hits(text, lines(pattern, { invert: true }))).toEqual(others);
    }
    expect(hits(text, lines("31m"))).toEqual([]);
    expect(hits("a\n\x1b[m", lines("a", { invert: true }))).toEqual([2]);
  });

  it("does not join the halves of a character across a colour code", () => {
    const broken = Buffer.concat([Buffer.of(0xc3), Buffer.from("\x1b[31m"), Buffer.of(0xa9), Buffer.from("\n")]);
    expect(hits(broken, lines("é"))).toEqual([]);
    expect(hits("caf\x1b[1mé\x1b[m!\n", lines("café!"))).toEqual([0]);
    for (const encoding of ["utf-16le", "utf-16be", "latin1"] as const) {
      const text = Buffer.from(encodeAs("x\n\x1b[31mcaf\x1b[1mé\n", encoding));
      expect(hits(text, lines("café", { encoding }))).toEqual([encoding === "latin1" ? 2 : 4]);
    }
  });

  it("finds the same in UTF-16 and Latin-1 as in UTF-8, at their offsets", () => {
    const text = "zażółć\nERROR two\nüber\nERROR four\n";
    for (const encoding of ["utf-16le", "utf-16be"] as const) {
      const bytes = Buffer.from(encodeAs(text, encoding));
      expect(hits(bytes, lines("ERROR|ż", { encoding }))).toEqual([0, 14, 44]);
      expect(hits(bytes, lines("ERROR", { encoding, invert: true }))).toEqual([0, 34]);
    }
    const latin = Buffer.from("caf\xe9\nna\xefve\n", "latin1");
    expect(hits(latin, lines("ï", { encoding: "latin1" }))).toEqual([5]);
  });

  it("agrees with a check of each line", () => {
    const content = fc.array(fc.constantFrom("a", "b", "ab", "é", "\n", ""), { maxLength: 40 });
    const pattern = fc.constantFrom("a", "ab", "^a", "b$", "a.", "é", "^$", "[^a]");
    fc.assert(
      fc.property(content, pattern, fc.boolean(), (parts, source, invert) => {
        const text = parts.join("");
        const expected: number[] = [];
        let at = 0;
        for (const line of text.split("\n")) {
          const isLast = at + Buffer.byteLength(line) >= Buffer.byteLength(text);
          const isMatch = new RegExp(source, "u").test(line);
          if (!(isLast && line === "") && isMatch !== invert) expected.push(at);
          at += Buffer.byteLength(line) + 1;
        }
        expect(hits(text, lines(source, { invert }))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

describe("chunkCounter of newlines and bytes", () => {
  it("counts newlines in every encoding", () => {
    expect(hits("a\nb\n\nc", { kind: "newlines", encoding: "utf-8" })).toEqual([1, 3, 4]);
    // U+0A00 and U+010A contain a byte 10 that is not a newline.
    const text = "\u0a00\u010a\n\u0a0a\n";
    for (const encoding of ["utf-16le", "utf-16be"] as const)
      expect(hits(Buffer.from(encodeAs(text, encoding)), { kind: "newlines", encoding })).toEqual([5, 9]);
  });

  it("finds bytes across block borders, each once", () => {
    const bytes = Buffer.alloc(CHUNK + BLOCK);
    const wanted = Buffer.from("7f454c46", "hex");
    const places = [0, BLOCK - 2, CHUNK - 3, CHUNK + 1, bytes.length - 4];
    for (const at of places) wanted.copy(bytes, at);
    expect(hits(bytes, { kind: "bytes", bytes: wanted })).toEqual(places);
    expect(hits(Buffer.from("aaaa"), { kind: "bytes", bytes: Buffer.from("aa") })).toEqual([0, 1, 2]);
  });

  it("refuses an invalid regular expression in one line", () => {
    expect(() => hits("x", lines("a("))).toThrow(/^'a\(' is not a regular expression: /);
  });
});
