import { decodeAs, type Encoding } from "../encoding/encoding.ts";
import { HEAD_BYTES, levelOf, RecordHeads, type RecordLevel } from "../records/record-head.ts";
import { Lines, MAX_LINE } from "../rows/lines.ts";
import { findNewline } from "../rows/newlines.ts";
import type { MatchOptions } from "../search/compile.ts";
import { BLOCK, BlockCache } from "../sources/block-cache.ts";
import type { ByteSource } from "../sources/byte-source.ts";
import { FixedEnd } from "../sources/fixed-end.ts";
import { type LineRange, type LineSelector, linesBeginningIn, ownLines, type PieceMatcher } from "./chunk-pieces.ts";
import type { FoldedLines } from "./is-folded.ts";
import { pieceMatcher } from "./matching-lines.ts";

/**
 * Maximum bytes between the beginning of a record and its continuation lines. The bound allows
 * scanning a chunk without the chunks around it.
 */
export const RECORD_BYTES = 64 * 1024;

/** Conditions for lines. A line is selected if all of them hold. */
export interface SelectionQuery {
  encoding: Encoding;
  /** The line matches. With `areRecords`, any line of its record matches. */
  match?: MatchOptions | undefined;
  /** Lines of JSON that also match by their summary, which is shown. */
  folded?: FoldedLines | undefined;
  /** Selects lines that do not match. */
  invert?: boolean;
  /** Selects continuation lines with the first line of their record. */
  areRecords: boolean;
  /** The record has one of these levels. */
  levels?: readonly RecordLevel[] | undefined;
  /** The line does not begin with any of these. */
  without?: readonly Uint8Array[] | undefined;
}

/** @throws Error with a one-line message for an invalid pattern */
export function selectedLines(source: ByteSource, query: SelectionQuery): LineSelector {
  const { encoding, match, folded, invert = false, levels, without = [] } = query;
  const held = new FixedEnd(source);
  const lines = new Lines(new BlockCache(held, (2 * MAX_LINE) / BLOCK + 1), encoding);
  const buffer = Buffer.allocUnsafeSlow(BLOCK);
  const records = new Records(lines, query.areRecords);
  const eachIn = match && pieceMatcher({ encoding, match, folded });
  /** Runs `action` on the current text. */
  const now = <Result>(action: () => Result): Result => {
    try {
      return held.during(action);
    } finally {
      // Clears the cache: the end of a growing source changes, and other scans reuse the buffers.
      lines.cache.clear();
      records.forget();
    }
  };
  const each: LineSelector["each"] = (chunk, hit, from) => {
    const own = ownLines(lines, chunk, from);
    const range = records.around(own);
    const matches = eachIn && insideOf(records.withLines(positionsIn(lines, range, buffer, eachIn)));
    const levelled = levels && insideOf(records.withLevels(range, new Set(levels)));
    eachLine(lines, own, buffer, (line, bytes) => {
      if (matches && matches(line) === invert) return;
      if (levelled && !levelled(line)) return;
      if (!without.some((beginning) => startsWith(bytes, beginning))) hit(line);
    });
  };
  return {
    each: (chunk, hit, from) => now(() => each(chunk, hit, from)),
    openFrom: (end) => now(() => records.openFrom(end)),
  };
}

/** Groups lines into records. If `areRecords` is false, each line is a record. */
class Records {
  readonly #lines: Lines;
  readonly #areRecords: boolean;
  readonly #heads = new RecordHeads();
  /** The last line that was checked: the end of a record is the first line of the next record. */
  #asked = { line: -1, begins: false };

  constructor(lines: Lines, areRecords: boolean) {
    this.#lines = lines;
    this.#areRecords = areRecords;
  }

  /** Drops cached state: the text may have changed. */
  forget(): void {
    this.#asked = { line: -1, begins: false };
  }

  /** The range, extended to whole records at both ends. */
  around({ from, to }: LineRange): LineRange {
    if (!this.#areRecords || from >= to) return { from, to };
    return { from: this.#of(from).from, to: Math.max(to, this.#of(this.#lines.at(to - 1)).to) };
  }

  /**
   * Finds the first line whose record may change once bytes are appended at `end`. An unfinished
   * last line may turn out to begin a record. So the record of the line before it may change too.
   */
  openFrom(end: number): number {
    const last = this.#lines.at(end - 1);
    return this.#of(this.#lines.previous(last) ?? last).from;
  }

  /** Yields the records of these lines, ascending. */
  *withLines(positions: readonly number[]): Generator<LineRange> {
    let end = Number.NEGATIVE_INFINITY;
    for (const line of positions) {
      if (line < end) continue;
      const record = this.#of(line);
      end = record.to;
      yield record;
    }
  }

  /** Yields the records of a range that have one of these levels, ascending. */
  *withLevels({ from, to }: LineRange, levels: ReadonlySet<RecordLevel>): Generator<LineRange> {
    for (let line = from; line < to; ) {
      const record = this.#recordFrom(line);
      if (levels.has(this.#level(line))) yield record;
      line = record.to;
    }
  }

  /**
   * Returns the record of a line. If the record begins too far before the line, returns only the
   * line.
   */
  #of(line: number): LineRange {
    const head = this.#areRecords ? this.#headOf(line) : line;
    return this.#recordFrom(head ?? line);
  }

  #headOf(line: number): number | undefined {
    for (
      let at: number | undefined = line;
      at !== undefined && line - at <= RECORD_BYTES;
      at = this.#lines.previous(at)
    )
      if (this.#begins(at)) return at;
    return undefined;
  }

  #recordFrom(first: number): LineRange {
    const end = this.#lines.end();
    let to = this.#lines.next(first) ?? end;
    if (this.#areRecords && this.#begins(first))
      while (to < end && to - first <= RECORD_BYTES && !this.#begins(to)) to = this.#lines.next(to) ?? end;
    return { from: first, to };
  }

  #begins(line: number): boolean {
    if (this.#asked.line !== line) this.#asked = { line, begins: this.#heads.begins(this.#text(line, HEAD_BYTES)) };
    return this.#asked.begins;
  }

  #level(line: number): RecordLevel {
    return levelOf((bytes) => this.#text(line, bytes));
  }

  #text(line: number, bytes: number): string {
    const { cache, encoding } = this.#lines;
    const end = Math.min(line + bytes, this.#lines.next(line) ?? this.#lines.end());
    return decodeAs(cache.slice(line, end), encoding);
  }
}

function positionsIn(lines: Lines, range: LineRange, buffer: Buffer, eachIn: PieceMatcher): number[] {
  const found: number[] = [];
  for (const { offset, bytes } of linesBeginningIn(lines, range, buffer))
    eachIn(bytes, offset, (line) => found.push(line));
  return found;
}

/**
 * Returns a function that tests whether a line is in one of the ranges. Call it in ascending order.
 */
function insideOf(ranges: Iterator<LineRange>): (line: number) => boolean {
  let range = ranges.next();
  return (line) => {
    while (!range.done && range.value.to <= line) range = ranges.next();
    return !range.done && range.value.from <= line;
  };
}

function eachLine(lines: Lines, range: LineRange, buffer: Buffer, line: (line: number, bytes: Buffer) => void): void {
  for (const { offset, bytes } of linesBeginningIn(lines, range, buffer))
    for (let at = 0; at < bytes.length; at = findNewline(bytes, at, lines.encoding) + 1 || bytes.length)
      line(offset + at, bytes.subarray(at));
}

function startsWith(bytes: Buffer, beginning: Uint8Array): boolean {
  return bytes.length >= beginning.length && bytes.subarray(0, beginning.length).equals(beginning);
}
