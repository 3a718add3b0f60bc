/** Maximum bytes of a line that are buffered. A longer line is returned in parts. */
const MAX_LINE = 128 * 1024;

const NEWLINE = 0x0a;

/**
 * Splits chunks into lines. A line above 128 KiB is returned in parts; only the last part has the
 * delimiter.
 */
export class LineSplitter {
  readonly #delimiter: number;
  #rest: Uint8Array[] = [];
  #length = 0;

  /** @param delimiter the byte that ends a line; a newline by default */
  constructor(delimiter = NEWLINE) {
    this.#delimiter = delimiter;
  }

  /** Adds a chunk and returns the complete lines, each with its delimiter. */
  push(bytes: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let at = bytes.indexOf(this.#delimiter); at !== -1; at = bytes.indexOf(this.#delimiter, start)) {
      const line = bytes.subarray(start, at + 1);
      lines.push(this.#rest.length > 0 ? Buffer.concat([...this.#rest, line]) : line);
      this.#rest = [];
      this.#length = 0;
      start = at + 1;
    }
    if (start < bytes.length) this.#rest.push(bytes.subarray(start));
    this.#length += bytes.length - start;
    if (this.#length >= MAX_LINE) lines.push(this.end());
    return lines;
  }

  /** True while the start of a line is buffered. */
  get hasRest(): boolean {
    return this.#length > 0;
  }

  /** Number of buffered bytes of an unfinished line. */
  get restLength(): number {
    return this.#length;
  }

  /** Returns and forgets the unfinished last line; empty if there is none. */
  end(): Uint8Array {
    const rest = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#length = 0;
    return rest;
  }
}
