/** Search direction. */
export type Direction = "forward" | "backward";

/** A range of chunks; `to` is exclusive. */
export interface ChunkRange {
  from: number;
  to: number;
}

/** Number of chunks in one job, which takes about 10 ms. */
const STRETCH = 16;

/** The range of chunks (`chunks` is exclusive) and the start. */
interface ScanRange {
  first: number;
  chunks: number;
  focus: number;
  direction: Direction;
}

/**
 * Returns the next chunks to scan: from the focus to one end, then from the focus to the other.
 * `isOpen`: neither scanned nor in progress.
 */
export function nextChunkRange(range: ScanRange, isOpen: (chunk: number) => boolean): ChunkRange | undefined {
  const { first, chunks, direction } = range;
  const focus = Math.min(Math.max(first, range.focus), Math.max(first, chunks - 1));
  return direction === "forward"
    ? (after(focus, chunks, isOpen) ?? before(focus, first, isOpen))
    : (before(focus + 1, first, isOpen) ?? after(focus + 1, chunks, isOpen));
}

function after(from: number, chunks: number, isOpen: (chunk: number) => boolean): ChunkRange | undefined {
  let at = from;
  while (at < chunks && !isOpen(at)) at++;
  if (at >= chunks) return undefined;
  let to = at + 1;
  while (to < chunks && to - at < STRETCH && isOpen(to)) to++;
  return { from: at, to };
}

function before(to: number, first: number, isOpen: (chunk: number) => boolean): ChunkRange | undefined {
  let at = to - 1;
  while (at >= first && !isOpen(at)) at--;
  if (at < first) return undefined;
  let from = at;
  while (from > first && at + 1 - from < STRETCH && isOpen(from - 1)) from--;
  return { from, to: at + 1 };
}
