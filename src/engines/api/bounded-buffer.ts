import { PortholeError } from "../../errors.ts";

/**
 * Largest response that is read, in bytes. An inspection of one container is about 10 KB, a list of
 * 1,000 about 2 MB.
 */
export const MAX_RESPONSE = 32 * 1024 * 1024;

const FIRST = 65_536;

/**
 * A growing buffer with a limit. Copies chunks together as they arrive: a million chunks of one
 * byte as objects would need far more memory.
 */
export class BoundedBuffer {
  readonly #maxSize: number;
  #buffer: Buffer;
  #length = 0;

  /** @param maxSize maximum size in bytes */
  constructor(maxSize = MAX_RESPONSE) {
    this.#maxSize = maxSize;
    this.#buffer = Buffer.allocUnsafe(Math.min(FIRST, maxSize + 1));
  }

  /** Where to write the next bytes; never empty. Call {@link commit} with their number. */
  reserve(): Buffer {
    if (this.#length === this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * this.#length, this.#maxSize + 1));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    return this.#buffer.subarray(this.#length);
  }

  /** @throws PortholeError TARGET above the limit */
  commit(count: number): void {
    this.#length += count;
    if (this.#length > this.#maxSize) throw new PortholeError("TARGET", `response larger than ${this.#maxSize} bytes`);
  }

  /** @throws PortholeError TARGET above the limit */
  append(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      const count = piece.copy(this.reserve(), 0, at);
      this.commit(count);
      at += count;
    }
  }

  /** All bytes; a view that is valid until the next write. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Removes the first `count` bytes. */
  drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
  }
}
