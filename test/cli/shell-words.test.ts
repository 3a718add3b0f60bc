import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quoteFor, shellWords } from "../../cli/completion/shell-words.ts";

test.each([
  ["", [""]],
  ["a", ["a"]],
  ["a ", ["a", ""]],
  ["  a  b", ["a", "b"]],
  ["a 'b c' d", ["a", "b c", "d"]],
  ['a "b \\"c" d', ["a", 'b "c', "d"]],
  ['"b\\c\\$"', ["b\\c$"]],
  ["'b\\c'", ["b\\c"]],
  ["a\\ b", ["a b"]],
  ["a\\", ["a"]],
  ["x'y'\"z\"", ["xyz"]],
  ["web:/a\\ b\\:c", ["web:/a b:c"]],
])("%j", (line, words) => expect(shellWords(line).map(({ text }) => text)).toEqual(words));

test("the last word has its open quote", () => {
  for (const [line, quote] of [
    ["a 'b", "'"],
    ['a "b c', '"'],
    ["a 'b'", ""],
    ["a 'it\"s", "'"],
  ] as const)
    expect(shellWords(line).at(-1)).toMatchObject({ quote });
});

test("quoted text is unchanged after porthole or bash reads it", () => {
  const texts = fc.sample(
    fc.string({ unit: fc.constantFrom(..."aZ0 /:'\"\\$`!*?[]{}()<>|&;#~=,é漢".split("")), minLength: 1 }),
    100,
  );
  const quoted = texts.map((text) => quoteFor("", text) ?? "");
  for (const [index, text] of texts.entries()) {
    expect(shellWords(quoted[index] ?? "").map((word) => word.text)).toEqual([text]);
    expect(shellWords(`"${quoteFor('"', text)}"`)).toMatchObject([{ text, quote: "" }]);
  }
  const bash = spawnSync("bash", ["-c", `printf '%s\\n' ${quoted.join(" ")}`], { encoding: "utf8" });
  expect(bash.stdout).toBe(texts.map((text) => `${text}\n`).join(""));
});
