/** Bytes of a line that are kept in memory; a longer one comes in pieces. */
const LONGEST = 128 * 1024;

/** Cuts what comes in pieces into lines. A line above 128 KiB comes in pieces, of which only the last has the delimiter. */
export class LineSplitter {
  readonly #delimiter: number;
  #rest: Uint8Array[] = [];
  #length = 0;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  /** The lines that are complete now, each with its delimiter. */
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
    if (this.#length >= LONGEST) lines.push(this.end());
    return lines;
  }

  /** True while the beginning of a line waits for its rest. */
  get hasRest(): boolean {
    return this.#length > 0;
  }

  /** The last line, which nothing ended; empty when there is none. */
  end(): Uint8Array {
    const rest = Buffer.concat(this.#rest);
    this.#rest = [];
    this.#length = 0;
    return rest;
  }
}
