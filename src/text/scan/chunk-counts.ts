import { CHUNK } from "./chunk-counter.ts";

/** Hits of each scanned chunk: 4 bytes a chunk, and 8 for the sums. */
export class ChunkCounts {
  #counts = new Uint32Array(64);
  /** Bytes scanned of each chunk; 0: not yet. */
  #lengths = new Uint32Array(64);
  /** Prefix sums of the counts, as far as all earlier chunks are scanned. */
  #sums = new Float64Array(65);
  #summed = 0;
  #total = 0;
  #knownBytes = 0;

  /** Hits in all scanned chunks. */
  get total(): number {
    return this.#total;
  }

  /** Bytes scanned. */
  get knownBytes(): number {
    return this.#knownBytes;
  }

  /** `end`: the source's end at the time of the scan. A chunk that has grown may be set again. */
  set(chunk: number, count: number, end: number): void {
    this.#grow(chunk + 1);
    const length = Math.min(CHUNK, Math.max(0, end - chunk * CHUNK));
    const before = this.#lengths[chunk] ?? 0;
    this.#total += count - (this.#counts[chunk] ?? 0);
    this.#knownBytes += length - before;
    this.#counts[chunk] = count;
    this.#lengths[chunk] = length;
    if (chunk < this.#summed) this.#summed = chunk;
  }

  /** Hits in a chunk; undefined before its scan. */
  count(chunk: number): number | undefined {
    return (this.#lengths[chunk] ?? 0) > 0 ? this.#counts[chunk] : undefined;
  }

  /** True if the chunk is scanned completely for a source that ends at `end`. */
  isCurrent(chunk: number, end: number): boolean {
    return (this.#lengths[chunk] ?? 0) >= Math.min(CHUNK, end - chunk * CHUNK);
  }

  /** Hits before a chunk; undefined until all earlier chunks are scanned. */
  before(chunk: number): number | undefined {
    while (this.#summed < chunk) {
      const count = this.count(this.#summed);
      if (count === undefined) return undefined;
      this.#sums[this.#summed + 1] = (this.#sums[this.#summed] ?? 0) + count;
      this.#summed++;
    }
    return this.#sums[chunk];
  }

  /** The last chunk with fewer than `hits` hits before it, as far as the prefix sums are known. */
  chunkOf(hits: number): { chunk: number; before: number } {
    this.before(this.#lengths.length);
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
   * Removes hits before `offset`, whose bytes are gone. The chunk of `offset` must be scanned
   * again.
   */
  dropBefore(offset: number): void {
    const first = Math.floor(offset / CHUNK);
    for (let chunk = 0; chunk < first; chunk++) this.set(chunk, 0, (chunk + 1) * CHUNK);
    this.#grow(first + 1);
    this.#total -= this.#counts[first] ?? 0;
    this.#knownBytes -= this.#lengths[first] ?? 0;
    this.#counts[first] = this.#lengths[first] = 0;
    this.#summed = Math.min(this.#summed, first);
  }

  #grow(chunks: number): void {
    if (chunks <= this.#counts.length) return;
    const length = Math.max(chunks, this.#counts.length * 2);
    const [counts, lengths, sums] = [this.#counts, this.#lengths, this.#sums];
    this.#counts = new Uint32Array(length);
    this.#lengths = new Uint32Array(length);
    this.#sums = new Float64Array(length + 1);
    this.#counts.set(counts);
    this.#lengths.set(lengths);
    this.#sums.set(sums);
  }
}
