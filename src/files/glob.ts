import { pathBytes } from "../target.ts";

/** Options of {@link compileGlob}. */
export interface GlobOptions {
  ignoreCase?: boolean;
  /**
   * Only a dot in the pattern matches a leading dot, as in file name expansion (fnmatch(3),
   * FNM_PERIOD).
   */
  period?: boolean;
}

/**
 * Compiles a glob(7) pattern to a test of whole strings. Supports `*`, `?`, `[...]` with ranges,
 * classes (`[[:digit:]]`), `!` or `^` to negate, and a backslash that quotes the next character. A
 * slash is an ordinary character, and so is a byte that is not UTF-8 (see `pathText`). An unclosed
 * `[` matches itself. Worst case: pattern length times text length.
 */
export function compileGlob(pattern: string, options: GlobOptions = {}): (text: string) => boolean {
  const fold = options.ignoreCase ? (text: string) => text.toLowerCase() : (text: string) => text;
  const parts = parse(fold(pattern));
  const matchesHidden = !options.period || (typeof parts[0] === "string" && parts[0] === ".");
  return (text) => (matchesHidden || !text.startsWith(".")) && matches(parts, [...fold(text)]);
}

/** True if the path has a glob character: `*`, `?`, `[` or a backslash. */
export function hasGlob(path: string): boolean {
  return /[*?[\\]/.test(path);
}

/** True if a backslash quotes each glob character of the text, so that it is one full name. */
export function isQuoted(text: string): boolean {
  return !/[*?[]/.test(text.replace(/\\./gsu, ""));
}

/** A pattern that matches only this text. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\\]/g, "\\$&");
}

/** Compares names by bytes, like the C locale and most tools in containers. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  // UTF-16 sorts like UTF-8 up to the first surrogate.
  if (!/[\ud800-\uffff]/.test(a) && !/[\ud800-\uffff]/.test(b)) return a < b ? -1 : 1;
  return Buffer.compare(pathBytes(a), pathBytes(b));
}

/** A part of a pattern: one character, `*`, or a test of one character. */
type Part = string | typeof star | ((character: string) => boolean);
const star = Symbol("*");
const anyCharacter = () => true;

function parse(pattern: string): Part[] {
  const characters = [...pattern];
  const parts: Part[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    const set = character === "[" ? parseSet(characters, at + 1) : undefined;
    if (set !== undefined) {
      parts.push(set.test);
      at = set.end;
    } else if (character === "*") {
      if (parts.at(-1) !== star) parts.push(star);
    } else if (character === "?") parts.push(anyCharacter);
    else if (character === "\\" && at + 1 < characters.length) parts.push(characters[++at] as string);
    else parts.push(character);
  }
  return parts;
}

/** Backtracks only to the last star; an earlier one cannot match more. */
function matches(parts: Part[], text: string[]): boolean {
  let part = 0;
  let retryPart = -1;
  let retryText = 0;
  for (let at = 0; at < text.length; ) {
    const wanted = parts[part];
    if (wanted === star) {
      retryPart = ++part;
      retryText = at;
    } else if (
      wanted !== undefined &&
      (typeof wanted === "string" ? wanted === text[at] : wanted(text[at] as string))
    ) {
      part++;
      at++;
    } else if (retryPart >= 0) {
      part = retryPart;
      at = ++retryText;
    } else return false;
  }
  while (parts[part] === star) part++;
  return part === parts.length;
}

/**
 * The set after the bracket before `start`, and the index of its closing bracket; undefined if
 * unclosed.
 */
function parseSet(
  characters: string[],
  start: number,
): { test: (character: string) => boolean; end: number } | undefined {
  let at = start;
  const isNegated = characters[at] === "!" || characters[at] === "^";
  if (isNegated) at++;
  const tests: ((character: string) => boolean)[] = [];
  const one = (): string => {
    if (characters[at] === "\\" && at + 1 < characters.length) at++;
    return characters[at++] as string;
  };
  for (let isFirst = true; at < characters.length; isFirst = false) {
    if (characters[at] === "]" && !isFirst) {
      return { test: (character) => tests.some((test) => test(character)) !== isNegated, end: at };
    }
    const name = /^\[:([a-z]+):\]/.exec(characters.slice(at, at + 10).join(""))?.[1];
    const inClass = name === undefined ? undefined : classes[name];
    if (name !== undefined && inClass !== undefined) {
      tests.push((character) => inClass.test(character));
      at += name.length + 4;
      continue;
    }
    const low = one();
    if (characters[at] === "-" && at + 1 < characters.length && characters[at + 1] !== "]") {
      at++;
      const [from, to] = [low.codePointAt(0) ?? 0, one().codePointAt(0) ?? 0];
      tests.push((character) => {
        const code = character.codePointAt(0) ?? 0;
        return code >= from && code <= to;
      });
    } else tests.push((character) => character === low);
  }
  return undefined;
}

const classes: Record<string, RegExp> = {
  alnum: /[\p{L}\p{N}]/u,
  alpha: /\p{L}/u,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[^\p{Z}\p{C}]/u,
  lower: /\p{Ll}/u,
  print: /[^\p{C}\p{Zl}\p{Zp}]/u,
  punct: /[\p{P}\p{S}]/u,
  space: /\s/u,
  upper: /\p{Lu}/u,
  xdigit: /[0-9A-Fa-f]/,
};
