import type { ByteSource, LineSpace, Note } from "../../../../src/text/index.ts";

const BLOCK = 64 * 1024;

/** Offsets of a part of the text, from `start` to `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

/** The marked range, or the range of the visible lines. */
export interface MarkedRange extends ByteRange {
  isMarked: boolean;
}

/** Returns the visible range, extended to a marked line if there is one. */
export function markedRange(
  { start, end }: ByteRange,
  anchor: number | undefined,
  endOf: (line: number) => number,
): MarkedRange {
  if (anchor === undefined) return { start, end, isMarked: false };
  return { start: Math.min(start, anchor), end: Math.max(end, endOf(anchor)), isMarked: true };
}

/** True for a page after which the next one is laid out in advance: long lines are read whole. */
export function isShortPage({ start, end }: ByteRange): boolean {
  return end - start <= 256 * 1024;
}

/**
 * Yields the bytes of a range as they are in the file, without rows that porthole added. Each piece
 * is valid until the next one.
 */
export function* bytesOf(source: ByteSource, range: ByteRange, notes: readonly Note[]): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(BLOCK);
  for (let at = Math.max(range.start, source.start()); at < range.end; ) {
    const note = notes.find((one) => at >= one.at && at < one.end);
    if (note) {
      at = note.end;
      continue;
    }
    const next = notes.find((one) => one.at > at);
    const count = source.read(at, buffer.subarray(0, Math.min(BLOCK, range.end - at, (next?.at ?? range.end) - at)));
    if (count === 0) return;
    yield buffer.subarray(0, count);
    at += count;
  }
}

/** Does the same for lines that pass a filter. `endOf`: end of a line, with its newline. */
export function* linesOf(
  source: ByteSource,
  lines: LineSpace,
  range: ByteRange,
  endOf: (line: number) => number,
  notes: readonly Note[],
): Generator<Buffer> {
  for (let line = lines.at(range.start); line !== undefined && line < range.end; line = lines.next(line))
    if (line >= range.start) yield* bytesOf(source, { start: line, end: endOf(line) }, notes);
}
