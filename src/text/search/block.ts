import { isAscii } from "node:buffer";
import { decodeText, latin1Text } from "../encoding/decode.ts";
import { endOfMatch, matchFrom } from "./next-match.ts";

/** Offsets in a buffer: of the first byte, and after the last byte. */
export interface Range {
  start: number;
  end: number;
}

const NEWLINE = 10;

/** Whole lines to search, from {@link Matcher.block}. */
export class Block {
  readonly bytes: Buffer;
  /** Number of bytes to search. A newline at the very end begins no further line. */
  readonly #length: number;
  #isAscii: boolean | undefined;
  #latin1: string | undefined;
  #decoded: Decoded | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#length = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
  }

  /** The first line from `from` on in which `regex` matches {@link latin1}. */
  lineOf(regex: RegExp, from: number): Range | undefined {
    const hit = endOfMatch(regex, this.latin1, from);
    if (hit === -1) return undefined;
    return { start: this.#lineStart(hit, from), end: this.#lineEnd(hit) };
  }

  get isAscii(): boolean {
    this.#isAscii ??= isAscii(this.bytes);
    return this.#isAscii;
  }

  get latin1(): string {
    this.#latin1 ??= latin1Text(this.bytes.subarray(0, this.#length));
    return this.#latin1;
  }

  /**
   * Returns the line that contains the byte at `offset` or ends at it; undefined for -1. `from`:
   * the start of that line or of an earlier one.
   */
  line(offset: number, from: number): Range | undefined {
    if (offset === -1) return undefined;
    // Fast path for many matches, because it is usually the first line.
    const first = this.bytes.indexOf(NEWLINE, from);
    if (first === -1 || first >= offset) return { start: from, end: first + 1 || this.bytes.length };
    const start = this.bytes.lastIndexOf(NEWLINE, offset - 1) + 1;
    return { start, end: this.bytes.indexOf(NEWLINE, offset) + 1 || this.bytes.length };
  }

  /** Start of the line in which a match ends at `hit`; not before `from`. */
  #lineStart(hit: number, from: number): number {
    return hit === from ? from : Math.max(from, this.latin1.lastIndexOf("\n", hit - 1) + 1);
  }

  #lineEnd(hit: number): number {
    return this.latin1.indexOf("\n", hit) + 1 || this.bytes.length;
  }

  /** The next line of the decoded block that matches. Call it with ascending offsets. */
  decodedLine(from: number, regex: RegExp): Range | undefined {
    this.#decoded ??= new Decoded(this.bytes.subarray(0, this.#length));
    return this.line(this.#decoded.next(from, regex), from);
  }
}

/** A decoded block. Finds lines by counting, because decoding changes lengths. */
class Decoded {
  readonly #bytes: Buffer;
  readonly #text: string;
  /** The start of the same line in bytes and in the decoded text. */
  #byte = 0;
  #index = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = decodeText(bytes);
  }

  /**
   * Byte offset of the line with the first match at or after the line at byte `from`; -1 if there
   * is none.
   */
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
