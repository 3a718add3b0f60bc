import type { Encoding } from "../encoding/encoding.ts";
import { countLines, findNewline } from "../rows/newlines.ts";
import type { BlockCache } from "../sources/block-cache.ts";
import { BLOCK } from "../sources/block-cache.ts";
import { CHUNK } from "./chunk-counter.ts";
import type { Scan } from "./scan.ts";

/** Lines are counted from 0. An estimate is not exact. */
export interface LineCount {
  count: number;
  isExact: boolean;
}

/** Line numbers from the newlines counted in each chunk; extrapolates beyond the scan. */
export class LineIndex {
  readonly scan: Scan;
  readonly #cache: BlockCache;
  readonly #encoding: Encoding;

  constructor(scan: Scan, cache: BlockCache, encoding: Encoding) {
    this.scan = scan;
    this.#cache = cache;
    this.#encoding = encoding;
  }

  /** Newlines before `offset`. */
  before(offset: number): LineCount {
    const chunk = Math.floor(offset / CHUNK);
    const before = this.scan.counts.before(chunk);
    if (before !== undefined) return { count: before + this.#count(chunk * CHUNK, offset), isExact: true };
    const { total, knownBytes } = this.scan.counts;
    const rate = knownBytes > 0 ? total / knownBytes : this.#rateBefore(offset);
    return { count: Math.round(offset * rate), isExact: false };
  }

  /**
   * Returns the offset after the first `count` newlines; "unknown" if they are not counted yet,
   * undefined if there are fewer.
   */
  offsetBehind(count: number): number | "unknown" | undefined {
    if (count <= 0) return this.#cache.source.start();
    const { chunk, before } = this.scan.counts.chunkOf(count);
    let left = count - before;
    const end = this.#cache.source.end();
    if (this.scan.counts.count(chunk) === undefined && chunk * CHUNK < end) return "unknown";
    for (let at = Math.max(chunk * CHUNK, this.#cache.source.start()); at < end; ) {
      const base = Math.floor(at / BLOCK) * BLOCK;
      const block = this.#cache.block(base / BLOCK);
      const lines = countLines(block, at - base, block.length, this.#encoding);
      if (lines >= left) {
        let found = findNewline(block, at - base, this.#encoding);
        for (; left > 1; left--) found = findNewline(block, found + 1, this.#encoding);
        return base + found + 1;
      }
      left -= lines;
      at = base + BLOCK;
      if (at >= (chunk + 1) * CHUNK && this.scan.counts.count(chunk + 1) === undefined && at < end) return "unknown";
    }
    return undefined;
  }

  /** Newlines per byte in the block of bytes before `offset`, which the screen shows or has read. */
  #rateBefore(offset: number): number {
    const { source } = this.#cache;
    const to = Math.min(offset, source.end());
    const from = Math.max(source.start(), to - BLOCK);
    return from < to ? this.#count(from, to) / (to - from) : 0;
  }

  #count(from: number, to: number): number {
    let count = 0;
    for (let at = Math.max(from, this.#cache.source.start()); at < to; ) {
      const base = Math.floor(at / BLOCK) * BLOCK;
      const block = this.#cache.block(base / BLOCK);
      count += countLines(block, at - base, Math.min(block.length, to - base), this.#encoding);
      at = base + BLOCK;
    }
    return count;
  }
}
