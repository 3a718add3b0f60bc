/** A search pattern that runs over whole blocks and finds exactly what it would find line by line. */
export interface Pattern {
  /** What the user typed. */
  readonly source: string;
  /** The bytes to look for when the pattern has no special character. */
  readonly literal?: Uint8Array | undefined;
  /** Flags `gm`; for single lines, and for blocks when {@link byLine} is false. */
  readonly regex: RegExp;
  /** True when a match could reach over a newline, so that each line has to be tried by itself (3x slower). */
  readonly byLine: boolean;
}

/**
 * Compiles a JavaScript regular expression, case-sensitive as in less. Throws the engine's SyntaxError for an invalid one.
 * `\p{..}` and `\u{..}` switch to Unicode mode.
 */
export function compilePattern(source: string): Pattern {
  const flags = /\\[pPu]\{/.test(source) ? "gmu" : "gm";
  const asTyped = new RegExp(source, flags);
  if (!/[\\^$.*+?()[\]{}|]/.test(source))
    return { source, literal: Buffer.from(source), regex: asTyped, byLine: false };
  const bounded = withoutNewlines(source);
  return bounded === undefined
    ? { source, regex: asTyped, byLine: true }
    : { source, regex: new RegExp(bounded, flags), byLine: false };
}

/**
 * Rewrites what may match a newline so that it does not (`[^a]`, `\s`, `\W`, `\D`), or returns undefined where that is not plain to see.
 * What is left then treats a newline as the end of the text, which is what trying each line by itself means.
 */
function withoutNewlines(source: string): string | undefined {
  const bounded: Readonly<Record<string, string>> = { s: "[^\\S\\n]", W: "[^\\w\\n]", D: "[^\\d\\n]" };
  let result = "";
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at] ?? "";
    if (character === "\\") {
      const escaped = source[++at] ?? "";
      // \n, \cJ, \x0a, \u000a, \012 and \P{..} may all be or hold a newline; \t and \b may begin a range over it.
      if (/[nPcxu0]/.test(escaped) || (inClass && /[sWDtb]/.test(escaped))) return undefined;
      result += bounded[escaped] ?? character + escaped;
    } else if (inClass) {
      if (character === "]") inClass = false;
      // A range from below the newline holds it.
      if (source[at + 1] === "-" && character < "\n") return undefined;
      result += character;
    } else if (character === "[") {
      inClass = true;
      const negated = source[at + 1] === "^";
      if (negated) at++;
      result += negated ? "[^\\n" : "[";
    } else if (character === "\n") {
      return undefined;
    } else {
      result += character;
    }
  }
  return result;
}
