import { BLOCK, type BlockCache } from "./block-cache.ts";

/**
 * A line without a newline is cut at each multiple of this many bytes that ends such a stretch without one. It makes every step bounded
 * (a 12 GiB hole is one "line") and needs no knowledge of where the line began: whether an offset is a boundary can be told from the
 * bytes just before it.
 */
export const LONGEST_LINE = 1024 * 1024;

const NEWLINE = 10;

/**
 * Line boundaries by byte offset. A boundary is the start of the source, the byte after a newline, or a cut as described at
 * {@link LONGEST_LINE}; the end of the source is none. Costs at most two LONGEST_LINE of reading a step, one block usually.
 */
export class Lines {
  readonly cache: BlockCache;

  constructor(cache: BlockCache) {
    this.cache = cache;
  }

  start(): number {
    return this.cache.source.start();
  }

  end(): number {
    return this.cache.source.end();
  }

  /** The first boundary after the boundary `line`; undefined when `line` is the last one. */
  next(line: number): number | undefined {
    const cut = Math.ceil(line / LONGEST_LINE) * LONGEST_LINE + LONGEST_LINE;
    const end = this.end();
    const newline = this.#findNewline(line, Math.min(cut, end));
    const next = newline === undefined ? cut : newline + 1;
    return next < end ? next : undefined;
  }

  /** The last boundary before the boundary `line`; undefined at the start. */
  previous(line: number): number | undefined {
    return line > this.start() ? this.at(line - 1) : undefined;
  }

  /** The boundary of the line that the byte at `offset` belongs to. */
  at(offset: number): number {
    const start = this.start();
    const cut = Math.floor(offset / LONGEST_LINE) * LONGEST_LINE;
    const stretch = cut - LONGEST_LINE;
    const newline = this.#findNewlineBack(offset, Math.max(start, stretch));
    if (newline !== undefined) return newline + 1;
    return stretch >= start ? cut : start;
  }

  /** The end of the line's text: before its newline (and the carriage return in front of it), or where it is cut. */
  textEnd(line: number): number {
    const next = this.next(line) ?? this.end();
    const tail = this.cache.slice(Math.max(line, next - 2), next);
    if (tail.at(-1) !== NEWLINE) return next;
    return tail.at(-2) === 13 ? next - 2 : next - 1;
  }

  /** Offset of the first newline in [from, to). */
  #findNewline(from: number, to: number): number | undefined {
    for (let at = from; at < to; ) {
      const base = Math.floor(at / BLOCK) * BLOCK;
      const block = this.cache.block(base / BLOCK);
      const found = block.indexOf(NEWLINE, at - base);
      if (found !== -1) return base + found < to ? base + found : undefined;
      if (block.length < BLOCK) return undefined;
      at = base + BLOCK;
    }
    return undefined;
  }

  /** Offset of the last newline in [to, from). */
  #findNewlineBack(from: number, to: number): number | undefined {
    for (let at = from; at > to; ) {
      const base = Math.floor((at - 1) / BLOCK) * BLOCK;
      const found = this.cache
        .block(base / BLOCK)
        .subarray(0, at - base)
        .lastIndexOf(NEWLINE);
      if (found !== -1) return base + found >= to ? base + found : undefined;
      at = base;
    }
    return undefined;
  }
}
