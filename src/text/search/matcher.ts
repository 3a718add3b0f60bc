import { isAscii } from "node:buffer";
import { decodeText } from "../encoding/decode.ts";
import { encodedLength } from "../encoding/encode.ts";
import { Block, type Range } from "./block.ts";
import { compile, type MatchOptions } from "./compile.ts";
import { matchFrom, nextMatch } from "./next-match.ts";

const NEWLINE = 10;
/**
 * Number of lines with the required text but without a match. After these, the rest of a block is
 * searched without that text.
 */
const MISSES = 24;
/** Number of blocks for which the required text is not used after it proved frequent. */
const SUSPENSION = 16;

/**
 * Finds matching lines in blocks of bytes. Blocks of ASCII are searched as Latin-1 strings, which
 * are cheap to create (2-3 GB/s). Plain text is searched in the same way in any block, byte by
 * byte. Other blocks are decoded and searched with the pattern's Unicode meaning. A pattern that
 * requires some text is tried only on lines that contain it.
 */
export class Matcher {
  // Separate fields, because every line reads them.
  readonly #ascii: RegExp;
  readonly #unicode: RegExp;
  readonly #isBytes: boolean;
  readonly #required: RegExp | undefined;
  readonly #requiresAscii: boolean;
  #suspended = 0;

  /** @throws Error with a one-line message for an invalid pattern */
  constructor(options: MatchOptions) {
    const { ascii, unicode, isBytes, required, requiresAscii } = compile(options);
    this.#ascii = ascii;
    this.#unicode = unicode;
    this.#isBytes = isBytes;
    this.#required = required;
    this.#requiresAscii = requiresAscii;
  }

  /**
   * Prepares a search of `bytes`: whole lines, the last one possibly without a newline. The bytes
   * must not change during the search.
   */
  block(bytes: Buffer): Block {
    if (this.#suspended > 0) this.#suspended--;
    return new Block(bytes);
  }

  /**
   * Returns all matches in one line, which may end with a newline. Omits an empty match directly
   * after another match.
   */
  matches(bytes: Buffer): Range[] {
    const content = bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes;
    const isPlain = this.#isBytes || isAscii(content);
    return this.#matchesOf(isPlain ? content.toString("latin1") : decodeText(content), isPlain, bytes.length);
  }

  /**
   * `length`: bytes of the line with its newline. An empty match at the end counts only before that
   * newline.
   */
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

  /**
   * The first matching line of the block at or after `from`, the start of a line. Includes its
   * newline.
   */
  next(block: Block, from: number): Range | undefined {
    if (from >= block.bytes.length) return undefined;
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

  /**
   * The next line that contains the required text and matches, or the offset at which to continue
   * without that text.
   */
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
    // A substring is cheaper than a new string of the same bytes.
    if (block.isAscii) return matchFrom(this.#ascii, block.latin1.substring(start, before), 0) !== -1;
    const bytes = block.bytes.subarray(start, before);
    if (isAscii(bytes)) return matchFrom(this.#ascii, bytes.toString("latin1"), 0) !== -1;
    return matchFrom(this.#unicode, decodeText(bytes), 0) !== -1;
  }
}
