import type { ByteSource } from "./byte-source.ts";

/** Where pread and string decoding are both at their fastest (8-10 GB/s; twice as large halves regex speed). */
export const BLOCK = 64 * 1024;

/** What a hole of a sparse file reads as. */
const ZEROS = Buffer.alloc(BLOCK);

/** Buffers that are kept for this thread when a cache forgets all: who looks through a file does so for every megabyte, and memory of its kind comes back late. */
const SPARE = 33;

const spare: Buffer[] = [];

/**
 * The least recently used 64 KiB blocks of a source. A block that was short when read is read again once the source has grown.
 * Buffers of dropped blocks are used again: what {@link block} returns is valid until the next call.
 */
export class BlockCache {
  readonly source: ByteSource;
  readonly #capacity: number;
  readonly #blocks = new Map<number, { buffer: Buffer; length: number }>();
  #clears = 0;

  constructor(source: ByteSource, capacity = 128) {
    this.source = source;
    this.#capacity = capacity;
  }

  /** The bytes of block `index` (offset `index * BLOCK`), shorter than BLOCK at the end of the source. */
  block(index: number): Buffer {
    const known = this.#blocks.get(index);
    if (known) {
      this.#blocks.delete(index);
      this.#blocks.set(index, known);
      if (known.length === BLOCK || this.source.end() <= index * BLOCK + known.length)
        return known.buffer.subarray(0, known.length);
    }
    if (this.#isHole(index * BLOCK)) {
      this.#blocks.delete(index);
      return ZEROS;
    }
    const entry = known ?? { buffer: this.#takeBuffer(), length: 0 };
    entry.length = this.#fill(index * BLOCK, entry.buffer);
    this.#blocks.set(index, entry);
    return entry.buffer.subarray(0, entry.length);
  }

  /** Copies the bytes of [from, to) out of the blocks; shorter where the source ends or has dropped its beginning. `into`: a buffer with room for them. */
  slice(from: number, to: number, into?: Buffer): Buffer {
    const size = Math.max(0, to - from);
    const bytes = into?.subarray(0, size) ?? Buffer.allocUnsafe(size);
    let length = 0;
    while (length < bytes.length) {
      const at = from + length;
      const base = Math.floor(at / BLOCK) * BLOCK;
      const copied = this.block(base / BLOCK)
        .subarray(at - base)
        .copy(bytes, length);
      if (copied === 0) break;
      length += copied;
    }
    return bytes.subarray(0, length);
  }

  /** Forgets everything: the file was truncated or replaced under the same source. */
  clear(): void {
    for (const { buffer } of this.#blocks.values()) if (spare.length < SPARE) spare.push(buffer);
    this.#blocks.clear();
    this.#clears++;
  }

  /** How often it was cleared: what was derived from the bytes before that is void. */
  get clears(): number {
    return this.#clears;
  }

  /** True when the whole block is in a hole: it takes no buffer then. */
  #isHole(offset: number): boolean {
    const { source } = this;
    return source.nextData !== undefined && source.nextData(offset) >= offset + BLOCK;
  }

  #takeBuffer(): Buffer {
    const oldest = this.#blocks.size < this.#capacity ? undefined : this.#blocks.entries().next().value;
    if (!oldest) return spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
    this.#blocks.delete(oldest[0]);
    return oldest[1].buffer;
  }

  #fill(offset: number, buffer: Buffer): number {
    // A ring that has dropped the block's beginning keeps its place with NULs that no caller looks at (all clamp to start()).
    const skip = Math.min(BLOCK, Math.max(0, this.source.start() - offset));
    buffer.fill(0, 0, skip);
    let length = skip;
    while (length < BLOCK) {
      const count = this.source.read(offset + length, buffer.subarray(length));
      if (count === 0) break;
      length += count;
    }
    return length > skip ? length : 0;
  }
}
