import type { ReadAt } from "./fingerprint.ts";

/** Bytes per read. */
const BLOCK = 64 * 1024;

/**
 * Finds the offset of the last `count` lines of the first `size` bytes. Reads backwards in blocks.
 * The last line may lack its `delimiter`.
 */
export function lastLinesOffset(read: ReadAt, size: number, count: number, delimiter: number): number {
  if (count === 0) return size;
  const buffer = Buffer.allocUnsafe(Math.min(BLOCK, size));
  let wanted = count;
  // The delimiter at the end is part of the last line.
  let end = size - 1;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK);
    const block = filled(read, start, buffer.subarray(0, end - start));
    for (let at = block.lastIndexOf(delimiter); at !== -1; at = at === 0 ? -1 : block.lastIndexOf(delimiter, at - 1)) {
      if (--wanted === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/**
 * Finds the offset after the first `count` lines of the first `size` bytes; `size` if there are
 * fewer lines.
 */
export function firstLinesOffset(read: ReadAt, size: number, count: number, delimiter: number): number {
  const buffer = Buffer.allocUnsafe(Math.min(BLOCK, size));
  let wanted = count;
  for (let start = 0; start < size && wanted > 0; start += BLOCK) {
    const block = filled(read, start, buffer.subarray(0, Math.min(BLOCK, size - start)));
    for (let at = block.indexOf(delimiter); at !== -1; at = block.indexOf(delimiter, at + 1)) {
      if (--wanted === 0) return start + at + 1;
    }
    if (block.length < Math.min(BLOCK, size - start)) return start + block.length;
  }
  return wanted > 0 ? size : 0;
}

/**
 * Finds the size of a file whose stat has none, such as a block device. It is the first offset at
 * which no byte can be read.
 */
export function sizeByReading(read: ReadAt): number {
  const byte = Buffer.alloc(1);
  const has = (offset: number) => read(offset, byte) > 0;
  let high = BLOCK;
  while (has(high)) high *= 2;
  let low = 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (has(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Keeps the last lines or bytes of a stream. Holds them and at most one more chunk. */
export class StreamEnd {
  readonly #count: number;
  readonly #delimiter: number | undefined;
  readonly #pieces: { bytes: Buffer; units: number }[] = [];
  #units = 0;

  /** Counts bytes if `delimiter` is undefined. */
  constructor(count: number, delimiter: number | undefined) {
    this.#count = count;
    this.#delimiter = delimiter;
  }

  /** Adds a chunk. Returns, in order, the chunks that cannot be part of the end. */
  push(bytes: Buffer): Buffer[] {
    const units = this.#delimiter === undefined ? bytes.length : countOf(bytes, this.#delimiter);
    this.#pieces.push({ bytes, units });
    this.#units += units;
    const passed: Buffer[] = [];
    // Needs one more delimiter than lines, because the last one may end the last line.
    const enough = this.#delimiter === undefined ? this.#count : this.#count + 1;
    for (let first = this.#pieces[0]; first && this.#units - first.units >= enough; first = this.#pieces[0]) {
      this.#units -= first.units;
      passed.push(first.bytes);
      this.#pieces.shift();
    }
    return passed;
  }

  /** Splits the remaining bytes into those before the end, and the end. */
  finish(): { before: Buffer; end: Buffer } {
    const rest = Buffer.concat(this.#pieces.map(({ bytes }) => bytes));
    const at =
      this.#delimiter === undefined
        ? Math.max(0, rest.length - this.#count)
        : lastLinesOffset(readerOf(rest), rest.length, this.#count, this.#delimiter);
    return { before: rest.subarray(0, at), end: rest.subarray(at) };
  }
}

/** Splits a stream after its first lines or bytes. */
export class StreamStart {
  #left: number;
  readonly #delimiter: number | undefined;

  constructor(count: number, delimiter: number | undefined) {
    this.#left = count;
    this.#delimiter = delimiter;
  }

  /** True if all counted lines or bytes have arrived. */
  get over(): boolean {
    return this.#left === 0;
  }

  /** Splits a chunk. */
  push(bytes: Buffer): { start: Buffer; rest: Buffer } {
    const at = this.#delimiter === undefined ? this.#skipBytes(bytes) : this.#skipLines(bytes, this.#delimiter);
    return { start: bytes.subarray(0, at), rest: bytes.subarray(at) };
  }

  #skipBytes(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.#left);
    this.#left -= taken;
    return taken;
  }

  #skipLines(bytes: Buffer, delimiter: number): number {
    let at = 0;
    while (this.#left > 0) {
      const found = bytes.indexOf(delimiter, at);
      if (found === -1) return bytes.length;
      this.#left--;
      at = found + 1;
    }
    return at;
  }
}

/** {@link ReadAt} of bytes in memory. */
export function readerOf(bytes: Uint8Array): ReadAt {
  return (position, buffer) => {
    const part = bytes.subarray(position, position + buffer.length);
    buffer.set(part);
    return part.length;
  };
}

function countOf(bytes: Buffer, delimiter: number): number {
  let count = 0;
  for (let at = bytes.indexOf(delimiter); at !== -1; at = bytes.indexOf(delimiter, at + 1)) count++;
  return count;
}

/** Reads until the buffer is full or the file ends. */
function filled(read: ReadAt, position: number, buffer: Buffer): Buffer {
  let length = 0;
  while (length < buffer.length) {
    const count = read(position + length, buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
