import { test } from "vitest";
import { describeWith } from "../../helpers/availability.ts";
import { corpora, writeCorpora } from "./corpora.ts";
import { type Case, expectSame, ripgrep, search } from "./run.ts";

const cases: Case[] = [
  { rg: [] },
  { rg: ["-n"], options: { lineNumber: true } },
  { rg: ["-H"], options: { withFilename: true } },
  { rg: ["-c"], options: { count: true } },
  { rg: ["-l"], options: { filesWithMatches: true } },
  { rg: ["-q"], options: { quiet: true } },
  { rg: ["-v"], options: { invertMatch: true } },
  { rg: ["-vn"], options: { invertMatch: true, lineNumber: true } },
  { rg: ["-vc"], options: { invertMatch: true, count: true } },
  { rg: ["-o"], options: { onlyMatching: true } },
  { rg: ["-onH"], options: { onlyMatching: true, lineNumber: true, withFilename: true } },
  { rg: ["-oc"], options: { onlyMatching: true, count: true } },
  { rg: ["-ov"], options: { onlyMatching: true, invertMatch: true } },
  { rg: ["-m1"], options: { maxCount: 1 } },
  { rg: ["-m3", "-c"], options: { maxCount: 3, count: true } },
  { rg: ["-m2", "-A2", "-n"], options: { maxCount: 2, afterContext: 2, lineNumber: true } },
  { rg: ["-A1"], options: { afterContext: 1 } },
  { rg: ["-B2", "-n"], options: { beforeContext: 2, lineNumber: true } },
  { rg: ["-C3", "-nH"], options: { context: 3, lineNumber: true, withFilename: true } },
  { rg: ["-A3", "-B1", "-n"], options: { afterContext: 3, beforeContext: 1, lineNumber: true } },
  { rg: ["-v", "-C1", "-n"], options: { invertMatch: true, context: 1, lineNumber: true } },
  { rg: ["-o", "-A1", "-n"], options: { onlyMatching: true, afterContext: 1, lineNumber: true } },
  { rg: ["-a", "-n"], options: { text: true, lineNumber: true } },
  { rg: ["-i"], match: { ignoreCase: true } },
  { rg: ["-w", "-n"], match: { word: true }, options: { lineNumber: true } },
  { rg: ["-x"], match: { line: true } },
  { rg: ["-iw", "-o"], match: { ignoreCase: true, word: true }, options: { onlyMatching: true } },
  { rg: ["--color=always"], options: { color: "always" } },
  {
    rg: ["--color=always", "-nH", "-C1"],
    options: { color: "always", lineNumber: true, withFilename: true, context: 1 },
  },
  { rg: ["--color=always", "-o"], options: { color: "always", onlyMatching: true } },
  { rg: ["--color=always", "-v", "-C1"], options: { color: "always", invertMatch: true, context: 1 } },
  { rg: ["--color=always", "-cH"], options: { color: "always", count: true, withFilename: true } },
  { rg: ["--json"], options: { json: true } },
  { rg: ["--json", "-C1"], options: { json: true, context: 1 } },
  { rg: ["--json", "-v", "-A1"], options: { json: true, invertMatch: true, afterContext: 1 } },
  { rg: ["--json", "-m1", "-A1"], options: { json: true, maxCount: 1, afterContext: 1 } },
  { rg: ["--json", "-N"], options: { json: true, lineNumber: false } },
];

/** All that ripgrep and JavaScript, so to speak, agree about. */
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
  "\\S+$",
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

/** Where ripgrep 13 is not to be followed. */
function isWrong(name: string, pattern: string, args: readonly string[]): boolean {
  const isWord = args.some((arg) => /^-[a-zA-Z]*w/.test(arg));
  const isFound = args.some((arg) => arg === "--json" || /^-[a-zA-Z]*o/.test(arg));
  return (
    // A byte that is not UTF-8 was no border of a word; since ripgrep 14 it is.
    (isWord && name === "latin-1") ||
    // With -w the first digit was lost.
    (isWord && isFound && pattern.startsWith("[0-9]")) ||
    // It knew the line, and not always each place in it.
    (isFound && ["\\Bo", "\\Afoo"].includes(pattern)) ||
    // It found the empty text inside characters.
    (isFound && pattern === "x*" && /utf/i.test(name))
  );
}

describeWith("ripgrep", "what is printed for a file is what ripgrep prints, byte for byte", () => {
  const { file } = writeCorpora();
  const names = Object.keys(corpora);
  const short = names.filter((name) => (corpora[name]?.length ?? 0) < 10_000);

  test.for(names)("with every option: %s", async (name) => {
    for (const pattern of ["foo", "[^ -~]|o f", "[0-9]+7 line"]) {
      for (const one of cases) {
        if (isWrong(name, pattern, one.rg)) continue;
        const binary = one.options?.text ? "text" : "convert";
        const ours = await search(file(name), pattern, one, { binary });
        expectSame({ pattern, args: one.rg }, ours, ripgrep(file(name), pattern, one.rg));
      }
    }
  });

  test.for(patterns)("with the pattern %s", async (pattern) => {
    for (const name of [...short, "UTF-8 in the second block"]) {
      for (const one of [
        { rg: ["-n"], options: { lineNumber: true } },
        { rg: ["--json"], options: { json: true } },
      ]) {
        if (isWrong(name, pattern, one.rg)) continue;
        const ours = await search(file(name), pattern, one);
        expectSame({ name, args: one.rg }, ours, ripgrep(file(name), pattern, one.rg));
      }
    }
  });

  test.for(["foo", ".", "[x(", "a|b", "é", "foo\\b", "Foo", "\\"])("with the plain text %s", async (text) => {
    for (const name of [...short, "match across a border"]) {
      for (const one of [
        { rg: ["-F", "-on"], match: { fixed: true }, options: { onlyMatching: true, lineNumber: true } },
        { rg: ["-Fi"], match: { fixed: true, ignoreCase: true } },
        { rg: ["-Fwc"], match: { fixed: true, word: true }, options: { count: true } },
        { rg: ["-Fx"], match: { fixed: true, line: true } },
      ]) {
        if (isWrong(name, text, one.rg)) continue;
        const ours = await search(file(name), text, one);
        expectSame({ name, args: one.rg }, ours, ripgrep(file(name), text, one.rg));
      }
    }
  });
});
