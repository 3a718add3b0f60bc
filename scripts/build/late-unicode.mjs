import { readFileSync } from "node:fs";

/** `const segmenter = new Intl.Segmenter(OPTIONS);` at top level */
const SEGMENTER = /^const (\w+) = new Intl\.Segmenter\((.*)\);$/gm;
/** `const regex = /^\p{RGI_Emoji}$/v;` at top level */
const EMOJI = /^const (\w+) = (\/\^\\p\{RGI_Emoji\}\$\/v);$/gm;

/**
 * Builds the Unicode data of string-width, and of the packages that Ink uses beside it, on first
 * use: a segmenter takes 10 ms, the set of all emoji 17 to 50 ms, and they build both when they are
 * loaded. Most characters need neither.
 */
export const lateUnicode = {
  name: "late-unicode",
  setup(build) {
    build.onLoad({ filter: /\/node_modules\/.*\.m?js$/ }, ({ path }) => {
      const code = readFileSync(path, "utf8");
      if (!code.includes("Intl.Segmenter") && !code.includes("RGI_Emoji")) return undefined;
      return { contents: code.replace(SEGMENTER, segmenterOnUse).replace(EMOJI, emojiOnUse) };
    });
  },
};

/** Characters that are each one cluster: Latin-1 except line ends, and what porthole draws. */
const SINGLE = "/^[\\0-\\t\\v\\f\\x0e-\\xac\\xae-\\xff\\u2026\\u2190-\\u2193\\u2500-\\u259f\\u2800-\\u28ff]*$/";

function segmenterOnUse(_, name, options) {
  return `let ${name}Made;
const ${name} = {
  segment(text) {
    if (!${SINGLE}.test(text)) return (${name}Made ??= new Intl.Segmenter(${options})).segment(text);
    const at = (index) => ({ segment: text[index], index, input: text });
    return {
      *[Symbol.iterator]() {
        for (let index = 0; index < text.length; index++) yield at(index);
      },
      containing: (index = 0) => (index >= 0 && index < text.length ? at(index) : undefined),
    };
  },
};`;
}

/**
 * Equal to the expression for what follows the checks of string-width: a single emoji that is shown
 * as one is wide by its East Asian Width, too. Only flags and joined emoji need the set.
 */
function emojiOnUse(_, name, expression) {
  return `let ${name}Made;
const ${name} = {
  test(cluster) {
    if (!/[\\p{Emoji_Presentation}\\ufe0f]/u.test(cluster) || /^.$/u.test(cluster)) return false;
    if (/^(?:[\\d#*]\\ufe0f\\u20e3|(?![\\d#*\\p{RI}])\\p{Emoji}\\ufe0f|\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier})$/u.test(cluster)) return true;
    return (${name}Made ??= ${expression}).test(cluster);
  },
};`;
}
