/** Reads up to `buffer.length` bytes at `position`, as pread(2). */
export type ReadAt = (position: number, buffer: Uint8Array) => number;

/**
 * Number of bytes that are compared. Two log lines with different timestamps differ within these
 * bytes.
 */
const LENGTH = 256;

/**
 * Detects a file that was truncated and rewritten although its size does not show it
 * (`copytruncate` with a fast writer). Compares the first bytes and the bytes before the position.
 */
export class Fingerprint {
  #head: Buffer = Buffer.alloc(0);
  #before: Buffer = Buffer.alloc(0);
  #position = 0;

  /** Number of bytes read so far. */
  get position(): number {
    return this.#position;
  }

  /** The last bytes read, at most 256. */
  get before(): Buffer {
    return this.#before;
  }

  /** Records the file's bytes up to `position`, with two small reads. */
  remember(read: ReadAt, position: number): void {
    this.#head = take(read, 0, Math.min(LENGTH, position));
    this.#before = take(read, Math.max(0, position - LENGTH), Math.min(LENGTH, position));
    this.#position = position;
  }

  /**
   * Moves the position past `bytes`, which were read at it. Records those bytes, because the file
   * may have other content now.
   */
  advance(bytes: Uint8Array): void {
    if (this.#position < LENGTH) this.#head = Buffer.concat([this.#head, bytes.subarray(0, LENGTH - this.#position)]);
    this.#before =
      bytes.length >= LENGTH
        ? Buffer.from(bytes.subarray(bytes.length - LENGTH))
        : Buffer.concat([this.#before.subarray(Math.max(0, this.#before.length + bytes.length - LENGTH)), bytes]);
    this.#position += bytes.length;
  }

  forget(): void {
    this.#head = Buffer.alloc(0);
    this.#before = Buffer.alloc(0);
    this.#position = 0;
  }

  /** True if the recorded bytes are still in the file. */
  matches(read: ReadAt): boolean {
    return (
      take(read, 0, this.#head.length).equals(this.#head) &&
      take(read, this.#position - this.#before.length, this.#before.length).equals(this.#before)
    );
  }
}

function take(read: ReadAt, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = read(position + filled, buffer.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}
