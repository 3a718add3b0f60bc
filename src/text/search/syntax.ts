import { readBracketExpression } from "./bracket-expression.ts";
import { anyCharacter, characterOf, classOf, escapedClass, type Pair, wordCharacter } from "./character-class.ts";
import { escapedCharacter, hexEscape, noNewline, readHex, readProperty } from "./escapes.ts";

/** The result of {@link translate}. */
export interface TranslatedPattern extends Pair {
  /**
   * The pattern's text if it has no special characters. Its bytes can then be searched directly.
   */
  literal: string | undefined;
  /** Text that every match contains, except at its beginning; undefined if there is none. */
  required: string | undefined;
  ignoreCase: boolean;
  groups: number;
}

/**
 * Translates a pattern: a JavaScript regular expression, plus syntax that users of ripgrep, PCRE
 * and grep expect. That syntax is a leading `(?i)`, `(?P<name>`, `\A`, `\z`, `\<`, `\>`,
 * `[[:alpha:]]`, `\x{..}`, `\pL`. A brace that is not a quantifier is literal. If the dialects
 * differ, the meaning is ripgrep's: `.` is any character, `^` and `$` are the ends of the line,
 * classes are Unicode. Nothing in the result matches a newline, so that a search in a block of
 * lines finds the same as a search in each line.
 * @param firstGroup the number of groups in earlier patterns of the same expression
 * @throws Error with the problem of the pattern; the engine reports other problems when the result
 * is compiled
 */
export function translate(pattern: string, firstGroup = 0): TranslatedPattern {
  return new Translator(pattern, firstGroup).run();
}

/** Translates a pattern in which every character is literal. */
export function translateLiteral(text: string): TranslatedPattern {
  if (text.includes("\n")) throw noNewline();
  const characters = [...text].map((character) => characterOf(character.codePointAt(0) ?? 0));
  return {
    ascii: characters.map(({ ascii }) => ascii).join(""),
    unicode: characters.map(({ unicode }) => unicode).join(""),
    literal: text,
    required: undefined,
    ignoreCase: false,
    groups: 0,
  };
}

const boundary = (word: string): string => `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
const noBoundary = (word: string): string => `(?:(?<=${word})(?=${word})|(?<!${word})(?!${word}))`;
const wordStart = (word: string): string => `(?:(?<!${word})(?=${word}))`;
const wordEnd = (word: string): string => `(?:(?<=${word})(?!${word}))`;

const lineStart = both("(?<![^\\n])");
const lineEnd = both("(?![^\\n])");
const assertions: Record<string, Pair> = {
  A: lineStart,
  z: lineEnd,
  Z: lineEnd,
  b: { ascii: "\\b", unicode: boundary(wordCharacter.unicode) },
  B: { ascii: "\\B", unicode: noBoundary(wordCharacter.unicode) },
  "<": { ascii: wordStart(wordCharacter.ascii), unicode: wordStart(wordCharacter.unicode) },
  ">": { ascii: wordEnd(wordCharacter.ascii), unicode: wordEnd(wordCharacter.unicode) },
};

class Translator {
  readonly #pattern: string;
  readonly #firstGroup: number;
  #at = 0;
  #ascii = "";
  #unicode = "";
  #groups = 0;
  #depth = 0;
  #ignoreCase = false;
  /** True while the pattern has only literal characters. */
  #isLiteral = true;
  #hasChoice = false;
  /** Consecutive characters outside of groups that every match contains. */
  #run: string[] = [];
  #runAtStart = true;
  #required: { text: string; atStart: boolean } = { text: "", atStart: true };

  constructor(pattern: string, firstGroup: number) {
    this.#pattern = pattern;
    this.#firstGroup = firstGroup;
  }

  run(): TranslatedPattern {
    const flags = /^\(\?([imsu]+)\)/.exec(this.#pattern);
    // The other flags already apply to lines, or do not affect them.
    if (flags !== null) {
      this.#ignoreCase = flags[1]?.includes("i") === true;
      this.#at = flags[0].length;
    }
    while (this.#at < this.#pattern.length) this.#token();
    this.#endRun();
    const { text, atStart } = this.#required;
    return {
      ascii: this.#ascii,
      unicode: this.#unicode,
      literal: this.#isLiteral ? this.#required.text : undefined,
      required: this.#isLiteral || this.#hasChoice || atStart || text.length < 2 ? undefined : text,
      ignoreCase: this.#ignoreCase,
      groups: this.#groups,
    };
  }

  #token(): void {
    const rest = this.#pattern.slice(this.#at, this.#at + 80);
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
    const quantifier = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})\??/.exec(rest);
    if (quantifier !== null) this.#quantifier(quantifier[0], quantifier[1]);
    else if (character === "\\") this.#escape();
    else if (character === "[") this.#bracketExpression();
    else if (character === "(") this.#open();
    else if (character === ")") {
      this.#depth--;
      this.#special(both(")"), 1);
    } else if (character === "|") {
      if (this.#depth === 0) this.#hasChoice = true;
      this.#special(both("|"), 1);
    } else if (character === ".") this.#special(anyCharacter, 1);
    else if (character === "^") this.#special(lineStart, 1);
    else if (character === "$") this.#special(lineEnd, 1);
    else this.#character(character.codePointAt(0) ?? 0, character.length);
  }

  #quantifier(text: string, min: string | undefined): void {
    const mayBeNone = /^[*?]/.test(text) || Number(min) === 0;
    if (mayBeNone && this.#depth === 0) this.#run.pop();
    this.#special(both(text), text.length);
  }

  #escape(): void {
    const rest = this.#pattern.slice(this.#at + 1);
    const letter = rest[0];
    if (letter === undefined) throw new Error("\\ at the end");
    const hex = hexEscape.exec(rest);
    const property = hex === null ? readProperty(rest) : undefined;
    const reference = /^[1-9]\d?/.exec(rest);
    const name = /^k<[^>]*>/.exec(rest);
    const set = escapedClass(letter);
    const assertion = Object.hasOwn(assertions, letter) ? assertions[letter] : undefined;
    if (hex !== null) this.#character(readHex(hex), hex[0].length + 1);
    else if (property !== undefined) this.#special(classOf(property.set), property.length + 1);
    else if (reference !== null) {
      const number = this.#firstGroup + Number(reference[0]);
      this.#special(both(`(?:\\${number})`), reference[0].length + 1);
    } else if (name !== null) this.#special(both(`\\${name[0]}`), name[0].length + 1);
    else if (set !== undefined) this.#special(classOf(set), 2);
    else if (assertion !== undefined) this.#special(assertion, 2);
    else this.#character(escapedCharacter(rest), 2);
  }

  #bracketExpression(): void {
    const { pair, end } = readBracketExpression(this.#pattern, this.#at);
    this.#special(pair, end - this.#at);
  }

  #open(): void {
    const rest = this.#pattern.slice(this.#at, this.#at + 200);
    const reference = /^\(\?P=(\w+)\)/.exec(rest);
    if (reference !== null) {
      this.#special(both(`\\k<${reference[1]}>`), reference[0].length);
      return;
    }
    const opening = /^\((?:\?(?:[:=!]|<[=!]|P?<(\w+)>))?/.exec(rest)?.[0] ?? "(";
    if (opening === "(" && rest[1] === "?") {
      const flags = /^\(\?[-a-zA-Z]*[:)]/.test(rest);
      throw new Error(
        flags ? "flags go in front of the whole pattern, as (?i), or are options (-i, -w)" : "Invalid group",
      );
    }
    if (opening === "(" || /<\w/.test(opening)) this.#groups++;
    this.#depth++;
    this.#special(both(opening.replace("?P<", "?<")), opening.length);
  }

  #character(code: number, length: number): void {
    if (code === 10) throw noNewline();
    if (code > 0x10ffff) throw new Error("Invalid escape");
    this.#emit(characterOf(code));
    this.#at += length;
    if (this.#depth === 0) this.#run.push(String.fromCodePoint(code));
  }

  #special(pair: Pair, length: number): void {
    this.#isLiteral = false;
    this.#endRun();
    this.#emit(pair);
    this.#at += length;
  }

  #emit({ ascii, unicode }: Pair): void {
    this.#ascii += ascii;
    this.#unicode += unicode;
  }

  #endRun(): void {
    const text = this.#run.join("");
    if (text.length > this.#required.text.length) this.#required = { text, atStart: this.#runAtStart };
    this.#run = [];
    this.#runAtStart = false;
  }
}

function both(text: string): Pair {
  return { ascii: text, unicode: text };
}
