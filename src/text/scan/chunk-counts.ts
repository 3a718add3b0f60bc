import { CHUNK } from "./chunk-pieces.ts";

/** Hits of each scanned chunk: 4 bytes a chunk, and 8 for the sums. */
export class ChunkCounts {
  #counts = new Uint32Array(64);
  /**
   * Number of bytes that each count covers, including those after the chunk; 0 if the chunk is not
   * scanned yet.
   */
  #seen = new Uint32Array(64);
  readonly #reach: number;
  /** Prefix sums of the counts, as far as all earlier chunks are scanned. */
  #sums = new Float64Array(65);
  #summed = 0;
  #total = 0;
  #knownBytes = 0;

  /** `reach`: bytes after a chunk that its count depends on; see {@link reachOf}. */
  constructor(reach = 0) {
    this.#reach = reach;
  }

  /** Number of hits in all scanned chunks. */
  get total(): number {
    return this.#total;
  }

  /** Number of scanned bytes. */
  get knownBytes(): number {
    return this.#knownBytes;
  }

  /** `end`: the source's end at the time of the scan. A chunk that has grown may be set again. */
  set(chunk: number, count: number, end: number): void {
    this.#grow(chunk + 1);
    const seen = this.#visible(chunk, end);
    this.#total += count - (this.#counts[chunk] ?? 0);
    this.#knownBytes += Math.min(CHUNK, seen) - Math.min(CHUNK, this.#seen[chunk] ?? 0);
    this.#counts[chunk] = count;
    this.#seen[chunk] = seen;
    if (chunk < this.#summed) this.#summed = chunk;
  }

  /** Number of hits in a chunk; undefined before its scan. */
  count(chunk: number): number | undefined {
    return (this.#seen[chunk] ?? 0) > 0 ? this.#counts[chunk] : undefined;
  }

  /** True if the chunk is scanned completely for a source that ends at `end`. */
  isCurrent(chunk: number, end: number): boolean {
    return (this.#seen[chunk] ?? 0) >= this.#visible(chunk, end);
  }

  /** Number of hits before a chunk; undefined until all earlier chunks are scanned. */
  before(chunk: number): number | undefined {
    while (this.#summed < chunk) {
      const count = this.count(this.#summed);
      if (count === undefined) return undefined;
      this.#sums[this.#summed + 1] = (this.#sums[this.#summed] ?? 0) + count;
      this.#summed++;
    }
    return this.#sums[chunk];
  }

  /**
   * Returns the last chunk with fewer than `hits` hits before it, as far as the prefix sums are
   * known.
   */
  chunkOf(hits: number): { chunk: number; before: number } {
    this.before(this.#seen.length);
    let low = 0;
    let high = this.#summed;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#sums[middle] ?? 0) < hits) low = middle;
      else high = middle - 1;
    }
    return { chunk: low, before: this.#sums[low] ?? 0 };
  }

  /**
   * Removes hits before `offset`, because those bytes were dropped. The chunk of `offset` must be
   * scanned again.
   */
  dropBefore(offset: number): void {
    const first = Math.floor(offset / CHUNK);
    for (let chunk = 0; chunk < first; chunk++) this.set(chunk, 0, Number.POSITIVE_INFINITY);
    this.#grow(first + 1);
    this.#total -= this.#counts[first] ?? 0;
    this.#knownBytes -= Math.min(CHUNK, this.#seen[first] ?? 0);
    this.#counts[first] = this.#seen[first] = 0;
    this.#summed = Math.min(this.#summed, first);
  }

  /** Number of bytes that affect a chunk of a source that ends at `end`. */
  #visible(chunk: number, end: number): number {
    return Math.min(CHUNK + this.#reach, Math.max(0, end - chunk * CHUNK));
  }

  #grow(chunks: number): void {
    if (chunks <= this.#counts.length) return;
    const length = Math.max(chunks, this.#counts.length * 2);
    const [counts, seen, sums] = [this.#counts, this.#seen, this.#sums];
    this.#counts = new Uint32Array(length);
    this.#seen = new Uint32Array(length);
    this.#sums = new Float64Array(length + 1);
    this.#counts.set(counts);
    this.#seen.set(seen);
    this.#sums.set(sums);
  }
}
