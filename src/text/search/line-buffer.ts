import { PortholeError } from "../../errors.ts";

const NEWLINE = 10;
/** Where pread and string decoding are at their fastest, and what ripgrep reads at once, which its words about binary files show. */
export const BLOCK = 64 * 1024;
/** A string of twice that many characters V8 does not make. */
export const LONGEST_LINE = 256 * 1024 * 1024;

/** What a NUL byte means: nothing; the end of the search; or a line's end, of a file that is binary from there on. */
export type BinaryMode = "text" | "quit" | "convert";

/**
 * Cuts what is read into runs of whole lines: read into {@link room}, tell how much with {@link filled}, take {@link lines}, {@link consume} them. Grows with a
 * line longer than itself, and the last line needs no newline.
 */
export class LineBuffer {
  readonly #binary: BinaryMode;
  #memory = Buffer.allocUnsafeSlow(BLOCK);
  #start = 0;
  #linesEnd = 0;
  #end = 0;
  /** Where the first byte of {@link lines} is in the file. */
  offset: number;
  /** Where the first NUL was, unless they mean nothing. */
  binaryAt: number | undefined;

  constructor(binary: BinaryMode, offset = 0) {
    this.#binary = binary;
    this.offset = offset;
  }

  /** Whole lines that were read and not consumed. Valid until {@link room} is asked for. */
  get lines(): Buffer {
    return this.#memory.subarray(this.#start, this.#linesEnd);
  }

  /** Where in the file the byte after the last one read is. */
  get position(): number {
    return this.offset + this.#end - this.#start;
  }

  consume(count: number): void {
    this.#start += count;
    this.offset += count;
  }

  /**
   * Where to read to; never empty.
   * @throws PortholeError FILE, EOVERFLOW for a line beyond 256 MiB
   */
  room(): Buffer {
    if (this.#start > 0) {
      this.#memory.copyWithin(0, this.#start, this.#end);
      this.#linesEnd = Math.max(0, this.#linesEnd - this.#start);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end === this.#memory.length) {
      if (this.#end >= LONGEST_LINE)
        throw new PortholeError("FILE", `the line at byte ${this.offset} is longer than ${LONGEST_LINE} bytes`, {
          errno: "EOVERFLOW",
        });
      // Four times from BLOCK on is LONGEST_LINE in the end. Few steps: what was left behind is memory that an interrupted process must give back first.
      const larger = Buffer.allocUnsafeSlow(this.#memory.length * 4);
      this.#memory.copy(larger);
      this.#memory = larger;
    }
    return this.#memory.subarray(this.#end);
  }

  /** Takes `count` bytes that were put into {@link room}; 0 is the end of the file. True when there are new lines, or it is the end. */
  filled(count: number): boolean {
    if (count === 0) {
      this.#linesEnd = this.#end;
      return true;
    }
    const from = this.#end;
    this.#end += count;
    if (this.#binary !== "text" && this.#isBinary(from)) {
      this.#linesEnd = this.#end;
      return true;
    }
    const newline = this.#memory.subarray(from, this.#end).lastIndexOf(NEWLINE);
    if (newline === -1) return false;
    this.#linesEnd = from + newline + 1;
    return true;
  }

  /** Empties it, to go on at `offset`, the beginning of a line. */
  jump(offset: number): void {
    this.#start = 0;
    this.#linesEnd = 0;
    this.#end = 0;
    this.offset = offset;
  }

  /** Deals with NULs among the bytes read last; true when they end the search. */
  #isBinary(from: number): boolean {
    const read = this.#memory.subarray(from, this.#end);
    const first = read.indexOf(0);
    if (first === -1) return false;
    this.binaryAt ??= this.offset + from + first - this.#start;
    if (this.#binary === "quit") {
      this.#end = from + first;
      return true;
    }
    for (let at = first; at !== -1; at = read.indexOf(0, at)) while (read[at] === 0) read[at++] = NEWLINE;
    return false;
  }
}
