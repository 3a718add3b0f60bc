import { type Encoding, unitOf } from "../encoding/encoding.ts";
import { BLOCK, type BlockCache } from "../sources/block-cache.ts";
import { findNewline, findNewlineBack } from "./newlines.ts";

/**
 * Maximum bytes of a line. A longer line is cut at each multiple of this number. That bounds every
 * step (a 12 GiB hole is one "line"). The bytes directly before an offset then show whether it is a
 * boundary, wherever the line began.
 */
export const MAX_LINE = 1024 * 1024;

/** Lines by byte offset: all lines of a file, or those that pass a filter. */
export interface LineSpace {
  first(): number | undefined;
  last(): number | undefined;
  /** The line after the one that begins at `line`. */
  next(line: number): number | undefined;
  previous(line: number): number | undefined;
  /** The line of the byte at `offset`, or a nearby one. */
  at(offset: number): number | undefined;
  /** True if a line begins at this offset. */
  has(line: number): boolean;
}

/**
 * Line boundaries by byte offset: the start of the source, the byte after a newline, or a cut as in
 * {@link MAX_LINE}. The end of the source is not one. A step reads at most two MAX_LINE, usually
 * one block.
 */
export class Lines implements LineSpace {
  readonly cache: BlockCache;
  readonly encoding: Encoding;
  readonly #known: KnownLines;

  constructor(cache: BlockCache, encoding: Encoding = "utf-8") {
    this.cache = cache;
    this.encoding = encoding;
    this.#known = new KnownLines(cache);
  }

  start(): number {
    return this.cache.source.start();
  }

  end(): number {
    return this.cache.source.end();
  }

  first(): number | undefined {
    return this.end() > this.start() ? this.start() : undefined;
  }

  last(): number | undefined {
    return this.end() > this.start() ? this.at(this.end() - 1) : undefined;
  }

  /** The next boundary after `line`; undefined for the last line. */
  next(line: number): number | undefined {
    const end = this.end();
    const known = this.#known.next(line);
    if (known !== undefined && known < end) return known;
    const cut = Math.ceil(line / MAX_LINE) * MAX_LINE + MAX_LINE;
    const newline = this.#findNewline(line, Math.min(cut, end));
    const next = newline === undefined ? cut : newline + 1;
    if (next >= end) return undefined;
    this.#known.add(line, next);
    return next;
  }

  /** The boundary before `line`; undefined at the start. */
  previous(line: number): number | undefined {
    const start = this.start();
    if (line <= start) return undefined;
    const known = this.#known.previous(line);
    if (known !== undefined && known >= start) return known;
    const previous = this.at(line - 1);
    if (line < this.end()) this.#known.add(previous, line);
    return previous;
  }

  /** The boundary of the line that contains `offset`. */
  at(offset: number): number {
    const start = this.start();
    if (offset <= start) return start;
    if (this.#known.has(offset)) return offset;
    const cut = Math.floor(offset / MAX_LINE) * MAX_LINE;
    const stretch = cut - MAX_LINE;
    const newline = this.#findNewlineBack(offset, Math.max(start, stretch));
    if (newline !== undefined) return newline + 1;
    return stretch >= start ? cut : start;
  }

  has(line: number): boolean {
    return line < this.end() && this.at(line) === line;
  }

  /** True if the line begins after a newline or at the start, not at a cut. */
  beginsLine(line: number): boolean {
    return line <= this.start() || this.#findNewlineBack(line, line - 2) === line - 1;
  }

  /** The end of the line's text: before its newline and a carriage return, or at its cut. */
  textEnd(line: number): number {
    const next = this.next(line);
    if (next === undefined) return this.#textEndBefore(this.end(), line);
    const known = this.#known.textEnd(line) ?? this.#textEndBefore(next, line);
    this.#known.addTextEnd(line, known);
    return known;
  }

  /** The end of the text of `line`, whose newline or cut ends at `next`. */
  #textEndBefore(next: number, line: number): number {
    const unit = unitOf(this.encoding);
    const tail = this.cache.view(Math.max(line, next - 2 * unit), next);
    if (unit === 1 && tail.at(-1) !== 10) return next;
    if (unit === 1) return tail.at(-2) === 13 ? next - 2 : next - 1;
    if (tail.length < unit || findNewlineBack(tail, tail.length, this.encoding) !== tail.length - 1) return next;
    const before = tail.subarray(0, -unit);
    const low = this.encoding === "utf-16be" ? before.at(-1) : before.at(-unit);
    const high = this.encoding === "utf-16be" ? before.at(-2) : before.at(-1);
    return low === 13 && high === 0 ? next - 2 * unit : next - unit;
  }

  /** Offset of the last byte of the first newline in [from, to). */
  #findNewline(from: number, to: number): number | undefined {
    for (let at = from; at < to; ) {
      const base = Math.floor(at / BLOCK) * BLOCK;
      const block = this.cache.block(base / BLOCK);
      const found = findNewline(block, at - base, this.encoding);
      if (found !== -1) return base + found < to ? base + found : undefined;
      if (block.length < BLOCK) return undefined;
      at = this.#behindHole(base + BLOCK, to);
    }
    return undefined;
  }

  /** Offset of the last byte of the last newline in [to, from). */
  #findNewlineBack(from: number, to: number): number | undefined {
    for (let at = from; at > to; ) {
      const base = Math.floor((at - 1) / BLOCK) * BLOCK;
      const found = findNewlineBack(this.cache.block(base / BLOCK), at - base, this.encoding);
      if (found !== -1) return base + found >= to ? base + found : undefined;
      at = base;
      if (this.#isHole(to, at)) return undefined;
    }
    return undefined;
  }

  /**
   * Returns `at`, a block's beginning, or the first later block with data; `to` if there is no such
   * block.
   */
  #behindHole(at: number, to: number): number {
    const { source } = this.cache;
    if (!source.nextData || at >= to) return at;
    return Math.max(at, Math.floor(source.nextData(at) / BLOCK) * BLOCK);
  }

  #isHole(from: number, to: number): boolean {
    const { source } = this.cache;
    return to - from > BLOCK && source.nextData !== undefined && source.nextData(from) >= to;
  }
}

/**
 * Number of cached boundaries: a few screens. With long lines, each boundary costs reading a
 * megabyte.
 */
const KNOWN = 1024;

/** Cached neighbours of boundaries. Excludes the last line, which may still grow. */
class KnownLines {
  readonly #cache: BlockCache;
  readonly #next = new Map<number, number>();
  readonly #previous = new Map<number, number>();
  readonly #textEnds = new Map<number, number>();
  #clears: number;

  constructor(cache: BlockCache) {
    this.#cache = cache;
    this.#clears = cache.clears;
  }

  /** `line` and `next` are adjacent boundaries. */
  add(line: number, next: number): void {
    if (this.#next.size >= KNOWN) this.#forget();
    this.#next.set(line, next);
    this.#previous.set(next, line);
  }

  /** Stores the end of the text of `line`, whose next line is known. */
  addTextEnd(line: number, end: number): void {
    this.#textEnds.set(line, end);
  }

  textEnd(line: number): number | undefined {
    return this.#isValid() ? this.#textEnds.get(line) : undefined;
  }

  next(line: number): number | undefined {
    return this.#isValid() ? this.#next.get(line) : undefined;
  }

  previous(line: number): number | undefined {
    return this.#isValid() ? this.#previous.get(line) : undefined;
  }

  has(offset: number): boolean {
    return this.#isValid() && (this.#next.has(offset) || this.#previous.has(offset));
  }

  #isValid(): boolean {
    if (this.#clears !== this.#cache.clears) {
      this.#forget();
      this.#clears = this.#cache.clears;
    }
    return true;
  }

  #forget(): void {
    this.#next.clear();
    this.#previous.clear();
    this.#textEnds.clear();
  }
}
