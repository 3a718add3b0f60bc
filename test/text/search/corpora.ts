import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll } from "vitest";
import { amount } from "../../helpers/extent.ts";

/**
 * ripgrep reads 64 KiB at a time. Short by default, because a pattern such as `.` matches every
 * character.
 */
const BLOCK = amount(64, 8) * 1024;
const MANY = amount(40_000, 2000);

/** Files with difficult content, by name. Each has lines with `foo`. */
export const corpora: Record<string, Buffer> = {
  plain: bytes("a foo\nb\nfoo foo\nfoobar food\nFOO Foo\n\n  tab\tfoo\nx-foo-y\nfoo_bar\nend"),
  "one line": bytes("foo\n"),
  empty: bytes(""),
  "only newlines": bytes("\n\n\n\n"),
  crlf: bytes("one foo\r\ntwo\r\nfoo\r\n\r\nlast foo"),
  "lone carriage returns": bytes("foo\rbar\rfoo\nbar\rfoo\n"),
  utf8: bytes(
    "café foo\nÉTÉ été\nnaïve fooé\n日本語 foo 本\n😀 foo😀\nΣσς\nſtraße K\nline\u2028separator foo\u0085x\n",
  ),
  "latin-1": Buffer.from("caf\xe9 foo\n\xc9t\xe9\nfoo\xff\n\xfffoo x\nplain foo\n", "latin1"),
  "UTF-8 with stray bytes": Buffer.concat([
    bytes("é foo é\n"),
    Buffer.of(0xc3),
    bytes(" foo\nok é\n"),
    Buffer.of(0xe2, 0x82),
    bytes("\nfoo"),
  ]),
  "NUL early": bytes("foo one\nfoo\0two\nthree foo\nfour\n"),
  "NUL in the first byte": bytes("\0foo\nfoo\n"),
  "NUL late": bytes(`${numbered(amount(9000, 3500), 37)}with\0foo\n${numbered(200, 5)}`),
  "NUL and a long line": bytes(`foo\n${"x".repeat(3 * BLOCK)}foo\0\nfoo\n`),
  "long line": bytes(
    `short foo\n${"y".repeat(amount(600_000, 9000))}foo${"z".repeat(amount(448_573, 3073))}\nafter foo\n`,
  ),
  "no newline at all": bytes(`${"w".repeat(amount(200_000, 9000))}foo${"w".repeat(30)}`),
  "match across a border": bytes(
    `${"a".repeat(BLOCK - 3)}\n${"b".repeat(BLOCK - 5)}foo bar\n${"c\n".repeat(BLOCK)}foo\n`,
  ),
  "line ends at a border": bytes(`${"a".repeat(BLOCK - 5)}foo\n\n${"b".repeat(BLOCK - 5)}foo\nfoo\n`),
  "many lines": bytes(numbered(MANY, 977)),
  "every line": bytes("foo\n".repeat(MANY)),
  "UTF-8 in the second block": bytes(
    `${numbered(amount(5000, 1500), 1000)}é foo\n${numbered(amount(3000, 600), 500)}ü foo`,
  ),
};

/**
 * Writes them to files with numbers as names. The files are removed at the end of the test file.
 */
export function writeCorpora(): { directory: string; file(name: string): string } {
  const directory = mkdtempSync(`${tmpdir()}/porthole-corpora-`);
  afterAll(() => rmSync(directory, { recursive: true }));
  const names = Object.keys(corpora);
  for (const [index, name] of names.entries()) writeFileSync(`${directory}/${index}`, corpora[name] ?? "");
  return { directory, file: (name) => `${directory}/${names.indexOf(name)}` };
}

/** Returns numbered lines; every n-th line contains foo. */
export function numbered(count: number, every: number): string {
  let text = "";
  for (let n = 1; n <= count; n++) text += `${n} line of the log${n % every === 0 ? " foo" : ""}\n`;
  return text;
}

function bytes(text: string): Buffer {
  return Buffer.from(text);
}
