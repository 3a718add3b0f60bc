import { expect, test } from "vitest";
import { Matcher, type MatchOptions } from "../../../src/text/index.ts";
import { ripgrep } from "../../helpers/ripgrep.ts";
import { corpora, writeCorpora } from "./corpora.ts";

/** Expressions with the same meaning for ripgrep and the screen's matcher. */
const patterns = [
  "foo",
  "",
  "o+",
  "^",
  "$",
  "^foo",
  "foo$",
  "foo.*",
  "^$",
  "x*",
  "[^a-z]",
  ".",
  "\\bfoo\\b",
  "\\Bo",
  "\\w+",
  "\\W",
  "\\s",
  // Not \S+$: V8 takes quadratic time for it on a line of 64 KiB without a blank.
  "o\\S+$",
  "\\d{3}",
  "\\D",
  "(fo)(o)",
  "foo|line",
  "(?:b|c)+",
  "foo(bar|d)?",
  "[[:alpha:]]+",
  "[[:^alpha:][:digit:]]",
  "[\\]x-]",
  "[]x]",
  "\\x66oo",
  "\\x{66}\\u006fo",
  "(?i)foo",
  "(?i)été",
  "é",
  "[é-ü]",
  "[^é]",
  "\\p{L}+",
  "\\pL",
  "\\p{Greek}",
  "\\P{L}",
  "(?i)[k-s]+",
  "(?P<word>fo+)",
  "\\Afoo",
  "foo\\z",
  "line of .* foo",
  "1.*foo",
  "\\-foo",
  ".{3,5}o",
  "[0-9]+7 ",
  "😀",
  "[😀x]",
  "\\t",
  "[\\t-\\r]",
  "a{0}foo",
];

/**
 * ripgrep reports the line but not each match in it, or finds an empty match inside a character.
 */
const LINES_ONLY = new Set(["\\Afoo", "x*"]);

const { directory, file } = writeCorpora();
const names = Object.keys(corpora);

test.for(patterns)("the screen's matcher finds the same as ripgrep with the pattern %s", (pattern) => {
  compare({ patterns: [pattern] }, ["-e", pattern]);
});

test.for(["foo", ".", "[x(", "a|b", "é", "foo\\b", "Foo", "\\"])(
  "the screen's matcher finds the same as ripgrep with the plain text %s",
  (text) => {
    const match: MatchOptions = { patterns: [text], fixed: true };
    compare(match, ["-F", "-e", text]);
    compare({ ...match, ignoreCase: true }, ["-Fi", "-e", text]);
    compare({ ...match, line: true }, ["-Fx", "-e", text]);
  },
);

interface FoundLine {
  offset: number;
  matches: [number, number][];
}

/** Fails with the first line for which the two differ. */
function compare(match: MatchOptions, args: string[]): void {
  const matcher = new Matcher(match);
  const all = theirs(args);
  const isLinesOnly = match.patterns.some((pattern) => LINES_ONLY.has(pattern));
  const text = ({ offset, matches }: FoundLine) => JSON.stringify(isLinesOnly ? [offset] : [offset, matches]);
  for (const name of names) {
    const ours = found(corpora[name] ?? Buffer.alloc(0), matcher);
    const expected = all.get(file(name)) ?? [];
    const at = ours.findIndex((line, index) => text(line) !== text(expected[index] ?? { offset: -1, matches: [] }));
    expect({ name, args, count: ours.length, line: ours[at] }).toEqual({
      name,
      args,
      count: expected.length,
      line: at === -1 ? undefined : expected[at],
    });
  }
}

/** Returns the matches of ripgrep, by file. */
function theirs(args: string[]): Map<string, FoundLine[]> {
  const all = new Map<string, FoundLine[]>();
  const { stdout } = ripgrep(["-a", "--json", ...args, ...names.map(file)], directory);
  for (const line of stdout.toString().split("\n")) {
    if (!line.startsWith('{"type":"match"')) continue;
    const { path, absolute_offset: offset, submatches } = JSON.parse(line).data;
    const lines = all.get(path.text) ?? [];
    all.set(path.text, lines);
    lines.push({ offset, matches: submatches.map(startAndEnd) });
  }
  return all;
}

function startAndEnd({ start, end }: { start: number; end: number }): [number, number] {
  return [start, end];
}

function found(content: Buffer, matcher: Matcher): FoundLine[] {
  const lines: FoundLine[] = [];
  const block = matcher.block(content);
  for (let line = matcher.next(block, 0); line !== undefined; line = matcher.next(block, line.end))
    lines.push({
      offset: line.start,
      matches: matcher.matches(content.subarray(line.start, line.end)).map(startAndEnd),
    });
  return lines;
}
