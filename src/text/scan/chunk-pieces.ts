import { unitOf } from "../encoding/encoding.ts";
import { type Lines, MAX_LINE } from "../rows/lines.ts";
import { findNewline, findNewlineBack } from "../rows/newlines.ts";
import { BLOCK } from "../sources/block-cache.ts";
import type { ByteSource } from "../sources/byte-source.ts";
import { scratchFor } from "./scratch.ts";

/** Bytes of a chunk, the unit of scanning and counting: at most a millisecond each. */
export const CHUNK = MAX_LINE;

/** The bytes of a chunk in blocks: `own` bytes of each, and up to `overlap` more. */
export function* rawPieces(
  source: ByteSource,
  chunk: number,
  buffer: Buffer,
  overlap: number,
): Generator<{ offset: number; bytes: Buffer; own: number }> {
  const to = Math.min((chunk + 1) * CHUNK, source.end());
  for (let offset = Math.max(chunk * CHUNK, source.start()); offset < to; ) {
    const own = Math.min(BLOCK, to - offset);
    const count = fill(source, offset, buffer.subarray(0, own + overlap));
    if (count === 0) return;
    yield { offset, bytes: buffer.subarray(0, count), own: Math.min(own, count) };
    offset += Math.min(own, count);
  }
}

/** Lines that begin at byte offset `from` or later, and before `to`. Both are line boundaries. */
export interface LineRange {
  from: number;
  to: number;
}

/** Reports the selected lines of a piece of whole lines that begins at `offset`. */
export type PieceMatcher = (bytes: Buffer, offset: number, hit: (offset: number) => void) => void;

/** Selects lines of a source. */
export interface LineSelector {
  /** Reports the first bytes of the selected lines that begin in a chunk, from a line on. */
  each(this: void, chunk: number, hit: (offset: number) => void, from?: number): void;
  /** The first line whose selection may change once bytes are appended at `end`. */
  openFrom(this: void, end: number): number;
}

/** The lines that begin in a chunk, from a line on. */
export function ownLines(lines: Lines, chunk: number, from = 0): LineRange {
  return { from: Math.max(from, firstLine(lines, chunk * CHUNK)), to: Math.min((chunk + 1) * CHUNK, lines.end()) };
}

/**
 * The whole lines that begin in a chunk, in pieces of a block; a longer line is one larger piece.
 */
export function linePieces(
  lines: Lines,
  chunk: number,
  buffer: Buffer,
  from?: number,
): Generator<{ offset: number; bytes: Buffer }> {
  return linesBeginningIn(lines, ownLines(lines, chunk, from), buffer);
}

/** Like {@link linePieces}, for the lines of a range. */
export function* linesBeginningIn(
  lines: Lines,
  { from, to }: LineRange,
  buffer: Buffer,
): Generator<{ offset: number; bytes: Buffer }> {
  const { cache, encoding } = lines;
  const end = lines.end();
  for (let offset = from; offset < to; ) {
    const count = fill(cache.source, offset, buffer);
    if (count === 0) return;
    const whole = offset + count >= end ? count : findNewlineBack(buffer, count, encoding) + 1;
    let bytes = whole > 0 ? buffer.subarray(0, whole) : longLine(lines, offset);
    if (bytes.length === 0) return;
    if (offset + bytes.length > to) {
      const last = findNewline(bytes, Math.max(0, to - unitOf(encoding) - offset), encoding);
      if (last !== -1) bytes = bytes.subarray(0, last + 1);
    }
    yield { offset, bytes };
    offset += bytes.length;
  }
}

function fill(source: ByteSource, offset: number, buffer: Buffer): number {
  let length = 0;
  while (length < buffer.length) {
    const count = source.read(offset + length, buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return length;
}

function longLine(lines: Lines, from: number): Buffer {
  const bytes = scratchFor((lines.next(from) ?? lines.end()) - from);
  return bytes.subarray(0, fill(lines.cache.source, from, bytes));
}

/** The first line that begins at or after `offset`; the end if there is none. */
function firstLine(lines: Lines, offset: number): number {
  const from = Math.max(offset, lines.start());
  const line = lines.at(from);
  return line === from ? from : (lines.next(line) ?? lines.end());
}
