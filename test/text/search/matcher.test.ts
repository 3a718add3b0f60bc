import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Matcher } from "../../../src/text/index.ts";
import { countNewlines } from "../../../src/text/search/count.ts";

const someLines = fc
  .array(fc.constantFrom("a", "b", "x", "\n", "\n", "\r", "é", "ax\n", "x".repeat(300)), { maxLength: 60 })
  .map((parts) => Buffer.from(parts.join(""), "latin1"));

describe("the matching lines of a block", () => {
  it.each([
    ["a", /a/],
    ["^$", /^$/],
    ["x$", /x(?![\s\S])/],
    ["a.*x", /a[^\n\x80-\xff]*x/],
    ["[^a]x", /[^a\n\x80-\xff]x/],
    ["(?:)", /(?:)/],
  ])("are the same as a check of each line finds: %s", (pattern, reference) => {
    const matcher = new Matcher({ patterns: [pattern] });
    fc.assert(
      fc.property(someLines, (content) => {
        const found: string[] = [];
        const block = matcher.block(content);
        for (let line = matcher.next(block, 0); line; line = matcher.next(block, line.end))
          found.push(content.toString("latin1", line.start, line.end));
        const lines = content.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? [];
        expect(found).toEqual(lines.filter((line) => reference.test(line.replace(/\n$/, ""))));
      }),
    );
  });
});

describe("counting newlines", () => {
  it("works at any alignment, for lines of any length", () => {
    const some = fc.array(fc.constantFrom("\n", "\n\n\n\n", "a", "\x0b\x8a\x09", "b".repeat(70)), { maxLength: 900 });
    fc.assert(
      fc.property(some, fc.nat(9), fc.nat(9), (parts, skip, drop) => {
        const bytes = Buffer.from(parts.join(""), "latin1");
        const to = Math.max(skip, bytes.length - drop);
        expect(countNewlines(bytes, skip, to)).toBe(bytes.subarray(skip, to).filter((byte) => byte === 10).length);
      }),
    );
  });
});

describe("counting with 64-bit words", () => {
  // From the 32nd short line on, four bytes are processed at a time. Fewer than four may remain,
  // and they may not be aligned to a word.
  const newlines = Buffer.alloc(48, "\n");
  it.each([0, 1, 2, 3])("is correct for any remainder, from byte %i on", (from) => {
    for (let count = 30; count <= 40; count++) expect(countNewlines(newlines, from, from + count)).toBe(count);
  });
});

describe("patterns", () => {
  const matches = (pattern: string, line: string) =>
    new Matcher({ patterns: [pattern] })
      .matches(Buffer.from(line))
      .map(({ start, end }) => Buffer.from(line).toString("utf8", start, end));

  it.each([
    ["(?<=user=)\\w+", "user=anna user=bob", ["anna", "bob"]],
    ["(\\w)\\1", "aa bb cd", ["aa", "bb"]],
    ["(?P<c>[a-c])(?P=c)", "aabbcd", ["aa", "bb"]],
    ['{"a":', '{"a":1}', ['{"a":']],
    ["x{,2}", "x{,2}", ["x{,2}"]],
    ["\\<foo\\>", "foo foot foo", ["foo", "foo"]],
    ["[a&&b]+", "a&b", ["a&b"]],
    ["\\u{1f600}|\\x{1F601}", "😀😁", ["😀", "😁"]],
    ["\\w+", "größer als", ["größer", "als"]],
    ["\\bé", "é aé", ["é"]],
  ])("%s finds every match in %j", (pattern, line, expected) => {
    expect(matches(pattern, line)).toEqual(expected);
  });

  it("refers to the groups of its own pattern if there are several patterns", () => {
    const matcher = new Matcher({ patterns: ["(x)y", "(a)\\1"] });
    expect(matcher.matches(Buffer.from("aa xy"))).toHaveLength(2);
  });

  it("finds plain text with an invalid byte next to a character whose second surrogate looks like that byte", () => {
    const text = "\udcff 💀";
    const bytes = Buffer.from("a\xff \xf0\x9f\x92\x80 b\n", "latin1");
    const matcher = new Matcher({ patterns: [text], fixed: true });
    expect(matcher.next(matcher.block(bytes), 0)).toEqual({ start: 0, end: 10 });
  });

  it.each([
    ["(", "Unterminated group"],
    ["a\nb", "a newline cannot be part of a line"],
    ["a\\nb", "a newline cannot be part of a line"],
    ["[a", "Unterminated character class"],
    ["[z-a]", "Range out of order"],
    ["*", "Nothing to repeat"],
    ["a(?i)b", "flags go in front"],
    ["\\q", "\\q has no meaning"],
    ["\\", "\\ at the end"],
    ["\\pX", "no such Unicode property: X"],
    ["[[:letter:]]", "no such class"],
    ["\\2(a)", "Invalid"],
  ])("%j is refused in one line: %s", (pattern, reason) => {
    expect(() => new Matcher({ patterns: [pattern] })).toThrow(reason);
    expect(() => new Matcher({ patterns: [pattern] })).toThrow(/^.* is not a regular expression: .+$/s);
  });
});
