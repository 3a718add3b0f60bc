import type { ByteSource } from "../sources/byte-source.ts";
import type { ChunkCounts } from "./chunk-counts.ts";
import { CHUNK } from "./chunk-pieces.ts";
import type { ChunkRange } from "./chunk-range.ts";

/**
 * Holes are skipped only in sources up to this size. Counts take 16 bytes for each chunk: a hole of
 * 8 EiB, which a file may have, would fill the memory within a minute.
 */
const MAX_SKIPPED = 2 ** 42;

/**
 * Finds chunks that need no read: chunks inside of holes all have the same count, so one is read.
 */
export class Holes {
  readonly #source: ByteSource;
  /** Hits in each chunk inside of a hole. */
  #hits: number | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * Sets the counts of a stretch inside of a hole without reading it. True if the stretch was in a
   * hole.
   */
  skip({ from, to }: ChunkRange, counts: ChunkCounts): boolean {
    if (this.#hits === undefined) return false;
    const end = this.#source.end();
    let chunk = from;
    while (chunk < to && this.#isInHole(chunk)) counts.set(chunk++, this.#hits, end);
    return chunk > from;
  }

  /**
   * Returns the part of a stretch that is uniform: one chunk of a hole, as a sample, or chunks with
   * data.
   */
  until({ from, to }: ChunkRange): ChunkRange {
    if (this.#source.nextData === undefined) return { from, to };
    if (this.#isInHole(from)) return { from, to: from + 1 };
    let chunk = from + 1;
    while (chunk < to && !this.#isInHole(chunk)) chunk++;
    return { from, to: chunk };
  }

  /** Records the counts of a stretch that was read. */
  learn({ from, to }: ChunkRange, counts: ArrayLike<number>): void {
    if (to === from + 1 && this.#isInHole(from)) this.#hits = counts[0];
  }

  /**
   * True for a chunk of zeros between chunks of zeros: all of those have the same line cuts and
   * content.
   */
  #isInHole(chunk: number): boolean {
    const source = this.#source;
    if (chunk === 0 || source.nextData === undefined || source.end() > MAX_SKIPPED) return false;
    return source.nextData((chunk - 1) * CHUNK) >= (chunk + 2) * CHUNK;
  }
}
