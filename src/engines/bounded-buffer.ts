import { PortholeError } from "../errors.ts";

/** Largest answer that is read, in bytes: an inspection of one container is near 10 KB, a list of 1,000 near 2 MB. */
export const MAX_RESPONSE = 32 * 1024 * 1024;

const FIRST = 65_536;

/** Bytes that come in pieces. They are put together as they come: kept each on its own, a million pieces of one byte would take the memory of many. */
export class BoundedBuffer {
  readonly #most: number;
  #buffer: Buffer;
  #length = 0;

  /** `most` bytes are taken. */
  constructor(most = MAX_RESPONSE, first = FIRST) {
    this.#most = most;
    this.#buffer = Buffer.allocUnsafe(Math.min(first, most + 1));
  }

  /** Where the next bytes are to be put, never empty. Call {@link commit} with their number. */
  reserve(): Buffer {
    if (this.#length === this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * this.#length, this.#most + 1));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    return this.#buffer.subarray(this.#length);
  }

  /** Throws TARGET when it was too much. */
  commit(count: number): void {
    this.#length += count;
    if (this.#length > this.#most) throw new PortholeError("TARGET", `an answer of more than ${this.#most} bytes`);
  }

  /** Throws TARGET when it is too much. */
  append(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      const count = piece.copy(this.reserve(), 0, at);
      this.commit(count);
      at += count;
    }
  }

  /** All that came; a view, valid until more comes. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
  }
}
