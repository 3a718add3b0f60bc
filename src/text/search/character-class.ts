/**
 * The source of a regular expression in two forms: for lines of ASCII, and for lines decoded from
 * UTF-8. The first is compiled without flags: with `v`, V8 generates slower code for classes (0.46
 * against 1.2 GB/s for `[A-Z]{6,}`). The second is compiled with `v`.
 */
export interface Pair {
  ascii: string;
  unicode: string;
}

/** A set of characters: the ASCII ones by number, and the content of a class for `v`. */
export interface CharacterSet {
  ascii: ReadonlySet<number>;
  unicode: string;
}

const NEWLINE = 10;
/**
 * Bytes that are not UTF-8, as decodeText shows them. Only a class that names them matches them, as
 * in ripgrep.
 */
const INVALID = "\\ud800-\\udfff";

/** Any character of a line. */
export const anyCharacter: Pair = { ascii: "[^\\n]", unicode: `[^\\n${INVALID}]` };

/** Characters of words: UTS #18, annex C. */
export const wordCharacter: Pair = {
  ascii: "[0-9A-Za-z_]",
  unicode: "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]",
};

/** A class under construction. Its source matches no newline and, if negated, no invalid byte. */
export class CharacterClass {
  readonly #negated: boolean;
  readonly #ascii = new Set<number>();
  #unicode = "";
  #holdsNewline = false;

  constructor(negated: boolean) {
    this.#negated = negated;
  }

  range(from: number, to: number): void {
    for (let code = from; code <= Math.min(to, 0x7f); code++) this.#ascii.add(code);
    if (from <= NEWLINE && to >= NEWLINE) this.#holdsNewline = true;
    this.#unicode += from === to ? unicodeCharacter(from) : `${unicodeCharacter(from)}-${unicodeCharacter(to)}`;
  }

  add({ ascii, unicode }: CharacterSet): void {
    for (const code of ascii) this.#ascii.add(code);
    this.#unicode += unicode;
  }

  toPair(): Pair {
    const not = this.#negated ? "^" : "";
    this.#ascii[this.#negated ? "add" : "delete"](NEWLINE);
    const ascii = `[${not}${ranges(this.#ascii)}]`;
    if (this.#negated) return { ascii, unicode: `[^${this.#unicode}\\n${INVALID}]` };
    return { ascii, unicode: this.#holdsNewline ? `[[${this.#unicode}]--[\\n]]` : `[${this.#unicode}]` };
  }
}

/**
 * `\d`, `\w`, `\s` and their negations, with Unicode's meaning for Unicode text; undefined for
 * another letter.
 */
export function escapedClass(letter: string): CharacterSet | undefined {
  const lower = letter.toLowerCase();
  const set = Object.hasOwn(escapes, lower) ? escapes[lower] : undefined;
  return set !== undefined && letter !== lower ? negation(set) : set;
}

/** The class of `[:name:]` or `[:^name:]`, ASCII as in ripgrep; undefined for an unknown name. */
export function posixClass(name: string): CharacterSet | undefined {
  const positive = name.replace("^", "");
  const test = Object.hasOwn(posix, positive) ? posix[positive] : undefined;
  if (test === undefined) return undefined;
  const ascii = asciiWhere(test);
  const set = { ascii, unicode: `[${ranges(ascii)}]` };
  return name === positive ? set : negation(set);
}

/**
 * `\p{...}` of a general category, script or property, by the names that ripgrep accepts too
 * (`Greek` for `Script=Greek`).
 */
export function propertyClass(name: string, negated: boolean): CharacterSet | undefined {
  for (const property of [name, `Script=${name}`]) {
    const text = `\\p{${property}}`;
    try {
      const test = new RegExp(text, "v");
      const set = { ascii: asciiWhere(test), unicode: `[${text}--[\\n${INVALID}]]` };
      return negated ? negation(set) : set;
    } catch {}
  }
  return undefined;
}

/** The class of one set. */
export function classOf(set: CharacterSet): Pair {
  const one = new CharacterClass(false);
  one.add(set);
  return one.toPair();
}

/** The expression for a character number. */
export function characterOf(code: number): Pair {
  // The character is not in any ASCII text.
  return { ascii: code < 0x80 ? asciiCharacter(code) : "[]", unicode: unicodeCharacter(code) };
}

const escapes: Record<string, CharacterSet> = {
  d: { ascii: asciiWhere(/\d/), unicode: "\\p{Nd}" },
  w: { ascii: asciiWhere(/\w/), unicode: wordCharacter.unicode },
  s: { ascii: asciiWhere(/[\t\v\f\r ]/), unicode: "[\\p{White_Space}--[\\n]]" },
};

const posix: Record<string, RegExp> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /[^\n]/,
  blank: /[\t ]/,
  cntrl: /[\0-\x1f\x7f]/,
  digit: /\d/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\v\f\r ]/,
  upper: /[A-Z]/,
  word: /\w/,
  xdigit: /[0-9A-Fa-f]/,
};

function negation({ ascii, unicode }: CharacterSet): CharacterSet {
  return {
    ascii: new Set([...Array(128).keys()].filter((code) => code !== NEWLINE && !ascii.has(code))),
    unicode: `[^${unicode}\\n${INVALID}]`,
  };
}

function asciiWhere(test: RegExp): Set<number> {
  const codes = [...Array(128).keys()].filter((code) => code !== NEWLINE && test.test(String.fromCharCode(code)));
  return new Set(codes);
}

/** The content of a class. */
function ranges(set: ReadonlySet<number>): string {
  let text = "";
  for (let from = 0; from < 128; from++) {
    if (!set.has(from)) continue;
    let to = from;
    while (set.has(to + 1)) to++;
    text += from === to ? asciiCharacter(from) : `${asciiCharacter(from)}-${asciiCharacter(to)}`;
    from = to;
  }
  return text;
}

function asciiCharacter(code: number): string {
  const text = String.fromCharCode(code);
  return /[0-9A-Za-z_]/.test(text) ? text : `\\x${code.toString(16).padStart(2, "0")}`;
}

function unicodeCharacter(code: number): string {
  return code < 0x80 ? asciiCharacter(code) : `\\u{${code.toString(16)}}`;
}
