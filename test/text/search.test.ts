import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK } from "../../src/text/block-cache.ts";
import { compilePattern } from "../../src/text/pattern.ts";
import { searchLines } from "../../src/text/search.ts";
import { MemorySource } from "./memory-source.ts";

function find(content: string | Buffer, pattern: string, direction: "forward" | "backward", from?: number) {
  const source = new MemorySource(content);
  const start = from ?? (direction === "forward" ? 0 : source.end());
  const search = searchLines(source, compilePattern(pattern), { from: start, direction });
  for (;;) {
    const step = search.next();
    if (step.done) return step.value;
  }
}

/** Line by line, as the definition of what a search is. */
function findSlowly(content: string, pattern: string, direction: "forward" | "backward") {
  const regex = new RegExp(pattern, "m");
  const matching: number[] = [];
  for (let at = 0; at < content.length; ) {
    const newline = content.indexOf("\n", at);
    const end = newline === -1 ? content.length : newline;
    if (regex.test(content.slice(at, end))) matching.push(at);
    at = end + 1;
  }
  return direction === "forward" ? matching[0] : matching.at(-1);
}

describe("searchLines", () => {
  it("finds the first line forward and the last backward, from where it is told", () => {
    const text = "one\ntwo\none\ntwo\n";
    expect(find(text, "one", "forward")).toBe(0);
    expect(find(text, "one", "forward", 4)).toBe(8);
    expect(find(text, "one", "backward")).toBe(8);
    expect(find(text, "one", "backward", 8)).toBe(0);
    expect(find(text, "one", "backward", 0)).toBeUndefined();
    expect(find(text, "three", "forward")).toBeUndefined();
    expect(find("", "x", "forward")).toBeUndefined();
  });

  it("finds what lies over a block border", () => {
    for (const gap of [-8, -4, -1, 0, 1]) {
      const content = `${"x".repeat(99)}\n`.repeat(1000);
      const at = BLOCK + gap;
      const text = `${content.slice(0, at)}NEEDLE${content.slice(at)}`;
      const line = text.lastIndexOf("\n", at) + 1;
      for (const pattern of ["NEEDLE", "NEE?DLE", "x*NEEDLE", "^x*NEEDLEx*$"]) {
        expect(find(text, pattern, "forward")).toBe(line);
        expect(find(text, pattern, "backward")).toBe(line);
      }
    }
  });

  it("finds the end of a line longer than a block", () => {
    const text = `a\n${"y".repeat(BLOCK * 3)}END\nb\n`;
    expect(find(text, "END$", "forward")).toBe(2);
    expect(find(text, "END", "backward")).toBe(2);
    expect(find(text, "^b$", "forward")).toBe(BLOCK * 3 + 6);
  });

  it("does not match over newlines, nor an empty line after the last one", () => {
    expect(find("foo\nbar\nfoo bar\n", "foo\\s+bar", "forward")).toBe(8);
    expect(find('"a\nb"\n"c"\n', '"[^"]*"', "forward")).toBe(6);
    expect(find("a\nb\n", "^$", "forward")).toBeUndefined();
    expect(find("a\n\nb\n", "^$", "forward")).toBe(2);
    expect(find("foo\n bar\nfoo\n", "foo(?!\\s*bar)", "forward")).toBe(0);
  });

  it("takes the end of a CRLF line for its end", () => {
    expect(find("one\r\ntwo\r\n", "one$", "forward")).toBe(0);
    expect(find("one\r\ntwo\r\n", "^two$", "forward")).toBe(5);
  });

  it("counts bytes, not characters, and bears bytes that are not UTF-8", () => {
    const content = Buffer.concat([Buffer.from("zażółć\n"), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from("gęś\n")]);
    expect(find(content, "gę.", "forward")).toBe(14);
    expect(find(content, "gęś", "backward")).toBe(14);
    expect(find(content, "\\p{L}{3}$", "backward")).toBe(14);
  });

  it("agrees with trying each line by itself", () => {
    const pattern = fc
      .array(
        fc.constantFrom(
          "a",
          "b",
          "^",
          "$",
          ".",
          "\\s",
          "\\S",
          "\\w",
          "\\W",
          "\\D",
          "[^a]",
          "[^b ]",
          "[ab]",
          "[\\s]",
          "a*",
          "(a|b)",
          "\\b",
          "\\n",
          "(?!a)",
          "(?<!b)",
          "[^]",
          "[]",
          "\\x0a",
          "[\\t-c]",
          "\\.",
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts) => parts.join(""));
    const content = fc
      .array(fc.constantFrom("a", "b", " ", "\n", "\r\n", ".", "1"), { maxLength: 30 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        content,
        pattern,
        fc.constantFrom("forward" as const, "backward" as const),
        (text, source, direction) => {
          expect(find(text, source, direction)).toBe(findSlowly(text, source, direction));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe("compilePattern", () => {
  it("looks for bytes when there is nothing special in the pattern", () => {
    expect(compilePattern("plain text").literal).toEqual(Buffer.from("plain text"));
    expect(compilePattern("a.b").literal).toBeUndefined();
  });

  it("goes line by line only for what might reach over a newline", () => {
    expect(["a.*b", "[^x]+", "\\s\\W\\D", "(?!x)y"].map((source) => compilePattern(source).byLine)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(["a\\nb", "[\\s\\S]", "\\P{L}", "[\t-z]"].map((source) => compilePattern(source).byLine)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  it("refuses what is no regular expression", () => {
    expect(() => compilePattern("a(")).toThrow(/Unterminated group/);
  });
});
