/** Which way to look. */
export type Direction = "forward" | "backward";

/** Chunks, the last one not included. */
export interface Stretch {
  from: number;
  to: number;
}

/** Chunks that a thread is given at a time: some 10 ms. */
const STRETCH = 16;

/** The chunks that there are, `chunks` not included, and where to begin. */
interface Wanted {
  first: number;
  chunks: number;
  focus: number;
  direction: Direction;
}

/** Chunks to look through next: from the focus on to one end, then from there to the other. `isOpen`: nobody has looked through it, nor does. */
export function nextStretch(wanted: Wanted, isOpen: (chunk: number) => boolean): Stretch | undefined {
  const { first, chunks, direction } = wanted;
  const focus = Math.min(Math.max(first, wanted.focus), Math.max(first, chunks - 1));
  return direction === "forward"
    ? (after(focus, chunks, isOpen) ?? before(focus, first, isOpen))
    : (before(focus + 1, first, isOpen) ?? after(focus + 1, chunks, isOpen));
}

function after(from: number, chunks: number, isOpen: (chunk: number) => boolean): Stretch | undefined {
  let at = from;
  while (at < chunks && !isOpen(at)) at++;
  if (at >= chunks) return undefined;
  let to = at + 1;
  while (to < chunks && to - at < STRETCH && isOpen(to)) to++;
  return { from: at, to };
}

function before(to: number, first: number, isOpen: (chunk: number) => boolean): Stretch | undefined {
  let at = to - 1;
  while (at >= first && !isOpen(at)) at--;
  if (at < first) return undefined;
  let from = at;
  while (from > first && at + 1 - from < STRETCH && isOpen(from - 1)) from--;
  return { from, to: at + 1 };
}
