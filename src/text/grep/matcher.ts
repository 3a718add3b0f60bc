import { isAscii } from "node:buffer";
import { decodeText, latin1Text } from "../decode.ts";
import { wordCharacter } from "./character-class.ts";
import type { Line } from "./sink.ts";
import { type Translated, translate, translateLiteral } from "./syntax.ts";

/** What to look for. */
export interface MatchOptions {
  /** A line matches where one of them does; JavaScript regular expressions, see `translate`. */
  patterns: readonly string[];
  /** Patterns are plain text. */
  fixed?: boolean | undefined;
  ignoreCase?: boolean | undefined;
  /** Only whole words. */
  word?: boolean | undefined;
  /** Only whole lines. */
  line?: boolean | undefined;
}

/** Offsets in a buffer: from the first byte to the one after the last. */
export interface Range {
  start: number;
  end: number;
}

/** Lines that follow each other and all match. */
export interface LineRun extends Range {
  count: number;
}

const NEWLINE = 10;
/** Lines that matched by way of the required text, after which the rest of a block is searched without looking for that text. */
const HITS = 24;
/** Lines that had the required text but did not match, after which the rest of a block is searched without looking for that text. */
const MISSES = 24;
/** Blocks for which the required text is left alone when it proved common. */
const SUSPENSION = 16;

/**
 * Finds matching lines in blocks of bytes. Blocks of ASCII are searched as Latin-1 strings, which cost nothing to make (2-3 GB/s); plain text in any
 * block so, byte for byte. Other blocks are decoded, and searched with the pattern's Unicode meaning. A pattern that must contain some text is
 * tried only on lines that have it.
 */
export class Matcher {
  readonly #ascii: RegExp;
  readonly #unicode: RegExp;
  /** The pattern is bytes: `#ascii` holds for every block. */
  readonly #isBytes: boolean;
  readonly #required: RegExp | undefined;
  /** The required text is to be found in this way in blocks of ASCII only. */
  readonly #requiresAscii: boolean = false;
  #suspended = 0;

  /** Throws Error for a pattern that is not one; its message is one line. */
  constructor(options: MatchOptions) {
    const translated = translateAll(options);
    const ignoreCase = options.ignoreCase === true || translated.some((one) => one.ignoreCase);
    const literals = translated.map(({ literal }) => literal);
    this.#isBytes = !ignoreCase && options.word !== true && literals.every((literal) => literal !== undefined);
    const ascii = this.#isBytes ? literals.map((literal) => bytesOf(literal ?? "")) : translated.map((t) => t.ascii);
    const unicode = translated.map((t) => t.unicode);
    try {
      // This one comes first, for it refuses more.
      this.#unicode = new RegExp(join(unicode, options, wordCharacter.unicode), ignoreCase ? "giv" : "gv");
      this.#ascii = new RegExp(join(ascii, options, wordCharacter.ascii), ignoreCase ? "gi" : "g");
    } catch (error) {
      throw notOne(options.patterns, error);
    }
    const [only] = translated;
    const required = only?.required ?? only?.literal;
    if (translated.length > 1 || this.#isBytes || !required) return;
    // Beyond ASCII there are letters that are others but for case, K (Kelvin) and k, and more of them than it is worth to know.
    if (ignoreCase && !/^[\0-\x7f]+$/.test(required)) return;
    this.#requiresAscii = ignoreCase;
    this.#required = new RegExp(compiled(bytesOf(required)), ignoreCase ? "gi" : "g");
  }

  /** Prepares a search of `bytes`: whole lines, the last one perhaps without a newline. They must not change meanwhile. */
  block(bytes: Buffer): Block {
    return new Block(this, bytes);
  }

  /** Every match in one line, which may end with a newline; an empty one right behind another is none. */
  matches(bytes: Buffer): Range[] {
    const content = bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes;
    const isPlain = this.#isBytes || isAscii(content);
    return this.#matchesOf(isPlain ? content.toString("latin1") : decodeText(content), isPlain, bytes.length);
  }

  /** The same in a line that the search told: quicker where it has the text already. */
  matchesIn(line: Line): Range[] {
    const { ascii, start, end } = line;
    return ascii === undefined ? this.matches(line.bytes) : this.#matchesOf(ascii, true, end - start);
  }

  /** `length`: of the line in bytes, its newline included: only before that there is an empty match at its end. */
  #matchesOf(text: string, isPlain: boolean, length: number): Range[] {
    const regex = isPlain ? this.#ascii : this.#unicode;
    const found: Range[] = [];
    let measured = 0;
    let bytes = 0;
    const offset = (index: number): number => {
      if (isPlain) return index;
      bytes += encodedLength(text.slice(measured, index));
      measured = index;
      return bytes;
    };
    let lastEnd = -1;
    regex.lastIndex = 0;
    for (let match = nextMatch(regex, text); match !== null; match = nextMatch(regex, text)) {
      const start = offset(match.index);
      const end = offset(match.index + match[0].length);
      if (start === end) regex.lastIndex += (text.codePointAt(regex.lastIndex) ?? 0) > 0xffff ? 2 : 1;
      if (start === end && (start === lastEnd || start >= length)) continue;
      found.push({ start, end });
      lastEnd = end;
    }
    return found;
  }

  /** The next matching line; for {@link Block} only. */
  next(block: Block, from: number): Range | undefined {
    let at = from;
    if (this.#required !== undefined && this.#suspended === 0 && (!this.#requiresAscii || block.isAscii)) {
      const found = this.#nextByRequired(block, this.#required, at);
      if (found === undefined || "end" in found) return found;
      at = found.at;
      this.#suspended = SUSPENSION;
    }
    if (this.#isBytes || block.isAscii) return block.lineOf(this.#ascii, at);
    return block.decodedLine(at, this.#unicode);
  }

  /** The next matching lines; for {@link Block} only. */
  nextRun(block: Block, from: number): LineRun | undefined {
    const isPlain = this.#isBytes || block.isAscii;
    const isByRequired =
      this.#required !== undefined && this.#suspended === 0 && (!this.#requiresAscii || block.isAscii);
    if (isPlain && !isByRequired) return block.runOf(this.#ascii, from);
    const found = this.next(block, from);
    if (found === undefined) return undefined;
    if (isByRequired && block.countHit() >= HITS) this.#suspended = SUSPENSION;
    return { ...found, count: 1 };
  }

  /** A new block begins. */
  resume(): void {
    if (this.#suspended > 0) this.#suspended--;
  }

  /** The next line that has the required text and matches; or from where to go on without it. */
  #nextByRequired(block: Block, required: RegExp, from: number): Range | { at: number } | undefined {
    let at = from;
    for (let misses = 0; misses < MISSES; misses++) {
      const line = block.line(matchFrom(required, block.latin1, at), at);
      if (line === undefined) return undefined;
      if (this.#isMatch(block, line)) return line;
      at = line.end;
    }
    return { at };
  }

  #isMatch(block: Block, { start, end }: Range): boolean {
    const before = block.bytes[end - 1] === NEWLINE ? end - 1 : end;
    // A part of a string costs less than a string of a part.
    if (block.isAscii) return matchFrom(this.#ascii, block.latin1.substring(start, before), 0) !== -1;
    const bytes = block.bytes.subarray(start, before);
    if (isAscii(bytes)) return matchFrom(this.#ascii, bytes.toString("latin1"), 0) !== -1;
    return matchFrom(this.#unicode, decodeText(bytes), 0) !== -1;
  }
}

/** Whole lines under search. Made by {@link Matcher.block}. */
export class Block {
  readonly bytes: Buffer;
  readonly #matcher: Matcher;
  /** Bytes that are text: a newline at the very end begins no further line. */
  readonly #length: number;
  #isAscii: boolean | undefined;
  #latin1: string | undefined;
  #decoded: Decoded | undefined;
  #hits = 0;
  /** Found already behind the last run: where a search from `from` ends, -1 for nowhere. */
  #next = { from: -1, hit: -1 };

  constructor(matcher: Matcher, bytes: Buffer) {
    this.#matcher = matcher;
    this.bytes = bytes;
    this.#length = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
    matcher.resume();
  }

  /** The first line at or after `from`, the beginning of a line, that matches: with its newline. */
  next(from: number): Range | undefined {
    return from < this.bytes.length ? this.#matcher.next(this, from) : undefined;
  }

  /** As {@link next}, with the matching lines that follow it directly. */
  run(from: number): LineRun | undefined {
    return from < this.bytes.length ? this.#matcher.nextRun(this, from) : undefined;
  }

  /** Lines found in it, this one included. */
  countHit(): number {
    return ++this.#hits;
  }

  /** The first line from `from` on in which `regex` matches {@link latin1}. */
  lineOf(regex: RegExp, from: number): Range | undefined {
    const hit = endOfMatch(regex, this.latin1, from);
    if (hit === -1) return undefined;
    return { start: this.#lineStart(hit, from), end: this.#lineEnd(hit) };
  }

  /** The first lines likewise that follow each other. */
  runOf(regex: RegExp, from: number): LineRun | undefined {
    const text = this.latin1;
    let hit = this.#next.from === from ? this.#next.hit : endOfMatch(regex, text, from);
    if (hit === -1) return undefined;
    const start = this.#lineStart(hit, from);
    let end = this.#lineEnd(hit);
    let count = 1;
    for (; end < this.bytes.length; count++) {
      hit = endOfMatch(regex, text, end);
      const next = hit === -1 ? -1 : this.#lineEnd(end);
      // A match that ends behind this line is in a later one.
      if (hit === -1 || hit > next - (next > text.length ? 0 : 1)) {
        this.#next = { from: end, hit };
        break;
      }
      end = next;
    }
    return { start, end, count };
  }

  get isAscii(): boolean {
    this.#isAscii ??= isAscii(this.bytes);
    return this.#isAscii;
  }

  get latin1(): string {
    this.#latin1 ??= latin1Text(this.bytes.subarray(0, this.#length));
    return this.#latin1;
  }

  /** The content of the line from `start` to `end`, where all of the block is ASCII. */
  asciiOf(start: number, end: number): string | undefined {
    if (!this.isAscii) return undefined;
    return this.latin1.substring(start, this.bytes[end - 1] === NEWLINE ? end - 1 : end);
  }

  /** The line that holds the byte at `offset`, or ends there; none for -1. `from`: the beginning of that line or one before it. */
  line(offset: number, from: number): Range | undefined {
    if (offset === -1) return undefined;
    // Where many lines match it is the first.
    const first = this.bytes.indexOf(NEWLINE, from);
    if (first === -1 || first >= offset) return { start: from, end: first + 1 || this.bytes.length };
    const start = this.bytes.lastIndexOf(NEWLINE, offset - 1) + 1;
    return { start, end: this.bytes.indexOf(NEWLINE, offset) + 1 || this.bytes.length };
  }

  /** Beginning of the line in which a match ends at `hit`; none is before `from`. */
  #lineStart(hit: number, from: number): number {
    return hit === from ? from : Math.max(from, this.latin1.lastIndexOf("\n", hit - 1) + 1);
  }

  #lineEnd(hit: number): number {
    return this.latin1.indexOf("\n", hit) + 1 || this.bytes.length;
  }

  /** The next line of the decoded block that matches. Asked for ever later lines. */
  decodedLine(from: number, regex: RegExp): Range | undefined {
    this.#decoded ??= new Decoded(this.bytes.subarray(0, this.#length));
    return this.line(this.#decoded.next(from, regex), from);
  }
}

/** A decoded block: its lines are found by counting, for decoding changes lengths. */
class Decoded {
  readonly #bytes: Buffer;
  readonly #text: string;
  /** Beginning of one and the same line. */
  #byte = 0;
  #index = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = decodeText(bytes);
  }

  /** Offset in bytes of the beginning of the line in which the first match at or after the line at byte `from` is; -1 for none. */
  next(from: number, regex: RegExp): number {
    if (from < this.#byte) this.#byte = this.#index = 0;
    while (this.#byte < from) this.#step();
    const found = matchFrom(regex, this.#text, this.#index);
    if (found === -1) return -1;
    const line = found === 0 ? 0 : this.#text.lastIndexOf("\n", found - 1) + 1;
    while (this.#index < line) this.#step();
    return this.#byte;
  }

  #step(): void {
    this.#byte = this.#bytes.indexOf(NEWLINE, this.#byte) + 1 || this.#bytes.length;
    this.#index = this.#text.indexOf("\n", this.#index) + 1 || this.#text.length;
  }
}

function translateAll(options: MatchOptions): Translated[] {
  let groups = 0;
  return options.patterns.map((pattern) => {
    try {
      const translated = options.fixed ? translateLiteral(pattern) : translate(pattern, groups);
      groups += translated.groups;
      return translated;
    } catch (error) {
      throw notOne([pattern], error);
    }
  });
}

function join(alternatives: readonly string[], options: MatchOptions, word: string): string {
  const one = alternatives.length === 1 ? (alternatives[0] ?? "") : alternatives.map((text) => `(?:${text})`).join("|");
  if (options.line) return `(?<![^\\n])(?:${one})(?![^\\n])`;
  if (options.word) return `(?<!${word})(?:${one})(?!${word})`;
  return compiled(one);
}

/** Keeps V8 from its own search for plain text, which is slower than its compiled expressions where the first letter is common (1.5 against 3.7 GB/s). */
function compiled(source: string): string {
  return `(?:${source})(?:)`;
}

function notOne(patterns: readonly string[], error: unknown): Error {
  const reason =
    error instanceof Error ? (/\/[a-z]*: (.*)$/s.exec(error.message)?.[1] ?? error.message) : String(error);
  return new Error(`'${patterns.join("', '")}' is not a regular expression: ${reason}`, { cause: error });
}

/** Where the first match at or after `from` ends, -1 for none; of text of one byte a character. Matches hold no newline, so it is in the line of its beginning. */
function endOfMatch(regex: RegExp, text: string, from: number): number {
  regex.lastIndex = from;
  return regex.test(text) ? regex.lastIndex : -1;
}

/** Index of the first match at or after `from`, -1 for none. */
function matchFrom(regex: RegExp, text: string, from: number): number {
  regex.lastIndex = from;
  return nextMatch(regex, text)?.index ?? -1;
}

/** V8 looks between the halves of a surrogate pair too when an expression begins with a lookbehind, as that of `^` does. */
function nextMatch(regex: RegExp, text: string): RegExpExecArray | null {
  for (;;) {
    const match = regex.exec(text);
    if (match === null || match.index === 0 || (text.codePointAt(match.index - 1) ?? 0) <= 0xffff) return match;
    regex.lastIndex = match.index + 1;
  }
}

/** The text's UTF-8 bytes (and the bytes that lone surrogates stand for) as an expression over Latin-1. */
function bytesOf(text: string): string {
  let escaped = "";
  for (const byte of encode(text)) escaped += `\\x${byte.toString(16).padStart(2, "0")}`;
  return escaped;
}

/** The inverse of decodeText. */
function encode(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  return Buffer.concat(
    text
      .split(/([\udc80-\udcff])/)
      .map((piece) => (/^[\udc80-\udcff]$/.test(piece) ? Buffer.of(piece.charCodeAt(0) - 0xdc00) : Buffer.from(piece))),
  );
}

/** How many bytes decodeText made this of. */
function encodedLength(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : encode(text).length;
}
