import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BinaryMode, Matcher, type Sink } from "../../../src/text/index.ts";
import { countNewlines } from "../../../src/text/search/count.ts";
import { FileSearch } from "../../../src/text/search/file-search.ts";

interface Options {
  invert: boolean;
  before: number;
  after: number;
}

/** What a sink was told: lines as `:` or `-`, number, offset, text; breaks as `--`. */
function recorder(told: string[], enough = Number.POSITIVE_INFINITY): Sink {
  const line = (
    mark: string,
    { number, offset, bytes }: { number: number | undefined; offset: number; bytes: Buffer },
  ) => {
    told.push(`${mark}${number}@${offset} ${bytes.toString("latin1")}`);
    return told.length < enough;
  };
  return {
    matched: (one) => line(":", one),
    context: (one) => line("-", one),
    contextBreak: () => told.push("--"),
    binary: (offset) => told.push(`binary ${offset}`),
    finish: () => {},
  };
}

/** Feeds a search in pieces of the given sizes, over and over. */
function found(
  content: Buffer,
  pattern: string,
  options: Options,
  pieces: number[],
  binary: BinaryMode = "text",
): string[] {
  const told: string[] = [];
  const search = new FileSearch(new Matcher({ patterns: [pattern] }), recorder(told), {
    ...options,
    lineNumbers: true,
    binary,
  });
  for (let at = 0, turn = 0; ; turn++) {
    const room = search.room();
    const count = content.copy(room, 0, at, at + Math.max(1, pieces[turn % pieces.length] ?? 1));
    at += count;
    if (!search.filled(count)) break;
  }
  search.finish();
  return told;
}

/** The same, as one would write it down first. */
function naive(content: Buffer, pattern: RegExp, { invert, before, after }: Options): string[] {
  const lines = content.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const isMatch = lines.map((line) => pattern.test(line.replace(/\n$/, "")) !== invert);
  const told: string[] = [];
  let offset = 0;
  let last = -1;
  for (const [index, line] of lines.entries()) {
    const isNear =
      isMatch.slice(Math.max(0, index - after), index).includes(true) ||
      isMatch.slice(index, index + before + 1).includes(true);
    if (isMatch[index] || isNear) {
      if (before + after > 0 && last !== -1 && last < index - 1) told.push("--");
      told.push(`${isMatch[index] ? ":" : "-"}${index + 1}@${offset} ${line}`);
      last = index;
    }
    offset += line.length;
  }
  return told;
}

const someLines = fc
  .array(fc.constantFrom("a", "b", "x", "\n", "\n", "\r", "é", "ax\n", "x".repeat(300)), { maxLength: 60 })
  .map((parts) => Buffer.from(parts.join(""), "latin1"));
const someOptions = fc.record({ invert: fc.boolean(), before: fc.nat(4), after: fc.nat(4) });
const somePieces = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });

describe("what is told of a file", () => {
  it.each([
    ["a", /a/],
    ["^$", /^$/],
    ["x$", /x(?![\s\S])/],
    ["a.*x", /a[^\n\x80-\xff]*x/],
    ["[^a]x", /[^a\n\x80-\xff]x/],
    ["(?:)", /(?:)/],
  ])("is what trying each line by itself tells, however it comes in: %s", (pattern, reference) => {
    fc.assert(
      fc.property(someLines, someOptions, somePieces, (content, options, pieces) => {
        expect(found(content, pattern, options, pieces)).toEqual(naive(content, reference, options));
      }),
    );
  });

  it("is the same for any size of pieces across the borders of blocks", () => {
    const content = Buffer.from(
      Array.from({ length: 9000 }, (_, n) => `${"-".repeat((n * 7919) % 90)}${n % 611 === 0 ? "foo" : ""}`).join("\n"),
    );
    fc.assert(
      fc.property(
        someOptions,
        fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 4 }),
        (options, pieces) => {
          expect(found(content, "foo", options, pieces)).toEqual(naive(content, /foo/, options));
        },
      ),
      { numRuns: 12 },
    );
  });

  it("ends in a filtered file before the block with the NUL, and goes on with newlines for NULs in one that was asked for", () => {
    const content = Buffer.from(`${"foo\n".repeat(20_000)}foo\0foo\nfoo\n`);
    const none = { invert: false, before: 0, after: 0 };
    const filtered = found(content, "foo", none, [1e6], "quit");
    expect(filtered).toHaveLength(16_384 + 1);
    expect(filtered.at(-1)).toBe("binary 80003");
    expect(found(content, "foo", none, [1e6], "convert").slice(-3)).toEqual([
      ":20001@80000 foo\n",
      ":20002@80004 foo\n",
      ":20003@80008 foo\n",
    ]);
  });

  it("counts newlines at any alignment, in lines of any length", () => {
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

describe("what is counted when words begin", () => {
  // From the 32nd short line on four bytes are taken at a time; there may be fewer left, and not at a word's border.
  const newlines = Buffer.alloc(48, "\n");
  it.each([0, 1, 2, 3])("is right for any rest, from byte %i on", (from) => {
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
  ])("%s finds in %j", (pattern, line, expected) => {
    expect(matches(pattern, line)).toEqual(expected);
  });

  it("refers to the groups of its own pattern where there are several", () => {
    const matcher = new Matcher({ patterns: ["(x)y", "(a)\\1"] });
    expect(matcher.matches(Buffer.from("aa xy"))).toHaveLength(2);
  });

  it("finds plain text in which a byte that is not UTF-8 stands beside a character whose second half looks like one", () => {
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
