import { build } from "esbuild";
import sliceAnsi from "slice-ansi";
import stringWidth from "string-width";
import { beforeAll, expect, test } from "vitest";
import { lateUnicode } from "../../scripts/build/late-unicode.mjs";
import { repository } from "../helpers/paths.ts";

/** string-width as the build changes it. */
let changed: (text: string) => number;

beforeAll(async () => {
  changed = (await built("string-width")) as typeof changed;
});

/** Returns the default export of a package as the build changes it. */
async function built(name: string): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents: `export { default } from "${name}"`, resolveDir: repository },
    ...{ bundle: true, write: false, format: "esm", target: "node20.19", plugins: [lateUnicode] },
  });
  const code = outputFiles[0]?.text ?? "";
  expect(code).not.toMatch(/^(?:var|const) \w+ = new (?:Intl\.Segmenter|RegExp\("\^\\\\p\{RGI_Emoji)/m);
  return (await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`)).default;
}

function differing(texts: Iterable<string>): string[] {
  return [...texts].filter((text) => changed(text) !== stringWidth(text));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const characters = [...range(0, 0x3400), ...range(0xa000, 0xac10), ...range(0xd7a0, 0xd7ff), ...range(0xe000, 0xe010)]
  .concat(range(0xf900, 0x10000), range(0x1f000, 0x1fb00), range(0xe0000, 0xe0200))
  .map((code) => String.fromCodePoint(code));
const emoji = characters.filter((character) => /\p{Emoji}/u.test(character));

test("the built width of a character is that of string-width", () => {
  expect(differing(characters)).toEqual([]);
  expect(differing(characters.filter((_, index) => index < 0x3000).map((each) => `\x1b[1ma${each}\u2500`))).toEqual([]);
});

test("the built width of an emoji with selectors, modifiers, keycaps and joiners is that of string-width", () => {
  const ends = ["\ufe0f", "\ufe0e", "\u20e3", "\ufe0f\u20e3", "\u{1f3fb}", "\u200d\u2642\ufe0f", "\u200d\u{1f4bb}"];
  expect(differing(emoji.flatMap((each) => ends.map((end) => each + end)))).toEqual([]);
});

test("the built width of a flag is that of string-width", () => {
  const letters = range(0x1f1e6, 0x1f200).map((code) => String.fromCodePoint(code));
  expect(differing(letters.flatMap((first) => letters.map((second) => first + second)))).toEqual([]);
});

test("the built slice-ansi, by which Ink clips a row, cuts where it cuts unbuilt", async () => {
  const slice = (await built("slice-ansi")) as typeof sliceAnsi;
  for (const text of [
    "plain",
    "╭─ Keys ─╮",
    "\x1b[1mbold\x1b[22m end",
    "日本語",
    "e\u0301x",
    "👩‍👩‍👧‍👦 family",
    "🇩🇪 flag",
  ])
    for (const end of range(0, 12)) expect(slice(text, 0, end)).toBe(sliceAnsi(text, 0, end));
});
