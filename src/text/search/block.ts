import { isAscii } from "node:buffer";
import { decodeText, latin1Text } from "../encoding/decode.ts";
import { endOfMatch, matchFrom } from "./next-match.ts";

/** Offsets in a buffer: from the first byte to the one after the last. */
export interface Range {
  start: number;
  end: number;
}

const NEWLINE = 10;

/** Whole lines under search. Made by {@link Matcher.block}. */
export class Block {
  readonly bytes: Buffer;
  /** Bytes that are text: a newline at the very end begins no further line. */
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
   * The line that holds the byte at `offset`, or ends there; none for -1. `from`: the beginning of
   * that line or one before it.
   */
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

  /**
   * Offset in bytes of the beginning of the line in which the first match at or after the line at
   * byte `from` is; -1 for none.
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
