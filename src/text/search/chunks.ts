import { countNewlines } from "./count.ts";
import { BLOCK, LineBuffer, LONGEST_LINE } from "./line-buffer.ts";
import type { Matcher } from "./matcher.ts";

/** Bytes of a file that one thread looks through at a time: 1-2 ms, so that whoever waits is soon heard. */
export const CHUNK = 4 * 1024 * 1024;
/** Hits that are told one by one; from there on, the rest of a chunk is one. */
const MOST_HITS = 128;
/** A longer line is one hit unread: keeping it here too would only cost memory, which takes time to give back when the process is interrupted. */
const LONG_LINE = 4 * CHUNK;
const NEWLINE = 10;

/** Reads at a position; 0 at the end. Throws what the system call throws. */
export type ReadAt = (buffer: Uint8Array, position: number) => number;

/** What a look through one chunk found. */
export interface ChunkReport {
  /** Where the first line begins, undefined when none does. */
  start: number | undefined;
  /** Adjoining stretches of whole lines, from `start` on. */
  stretches: Stretch[];
  /** True when the chunk could not be looked through to its end: there is a NUL, the end of the file or an error. */
  isPartial: boolean;
}

/** Lines that all match, or may; or of which none does. */
export interface Stretch {
  end: number;
  isHit: boolean;
  /** 0 when they are not counted. */
  newlines: number;
}

export interface ScanOptions {
  /** A NUL ends the chunk. */
  stopsAtNul: boolean;
  lineNumbers: boolean;
}

/**
 * Looks through the lines that begin in chunk `index` of a file (from byte `index * CHUNK` on) and tells where those that match are. A file is searched
 * by several threads at once by skipping what one of them found to be without a match.
 */
export function scanChunk(matcher: Matcher, read: ReadAt, index: number, options: ScanOptions): ChunkReport {
  const end = (index + 1) * CHUNK;
  const report: ChunkReport = { start: lineFrom(read, index * CHUNK, end), stretches: [], isPartial: false };
  if (report.start === undefined) return report;
  const buffer = new LineBuffer("text", report.start);
  let hits = 0;
  while (buffer.offset < end) {
    // The search goes through what follows by itself: looking at it here too would only cost time.
    if (hits >= MOST_HITS && !options.lineNumbers) {
      addUnread(report, read, end);
      break;
    }
    const whole = nextLines(buffer, read, options.stopsAtNul);
    if (whole === "long") {
      const next = addUnread(report, read, buffer.position);
      if (next === undefined) break;
      buffer.jump(next);
      continue;
    }
    if (whole === undefined) {
      report.isPartial = true;
      break;
    }
    const cut = buffer.offset + whole.length > end ? whole.indexOf(NEWLINE, end - 1 - buffer.offset) + 1 : whole.length;
    const lines = whole.subarray(0, cut || whole.length);
    hits += locate(matcher, lines, buffer.offset, report.stretches, {
      most: MOST_HITS - hits,
      counts: options.lineNumbers,
    });
    buffer.consume(lines.length);
    if (cut < whole.length) break;
  }
  return report;
}

/**
 * Where the first line at or after `offset` begins; the end of the file if there is none. Undefined when none begins before `limit`: a line may go on for
 * as long as the file.
 */
function lineFrom(read: ReadAt, offset: number, limit: number): number | undefined {
  if (offset === 0) return 0;
  const buffer = Buffer.allocUnsafe(BLOCK);
  for (let at = offset - 1; at < limit - 1; ) {
    const count = read(buffer, at);
    const newline = buffer.subarray(0, count).indexOf(NEWLINE);
    if (newline !== -1) return at + newline + 1 < limit ? at + newline + 1 : undefined;
    if (count === 0) return at;
    at += count;
  }
  return undefined;
}

/** Adds the rest up to the first line at or after `offset`, as one hit of one line, and returns where that begins; undefined where the search stops too. */
function addUnread(report: ChunkReport, read: ReadAt, offset: number): number | undefined {
  const end = lineFrom(read, offset, offset + LONGEST_LINE);
  if (end === undefined) report.isPartial = true;
  else addStretch(report.stretches, { end, isHit: true, newlines: 1 });
  return end;
}

/** Undefined at the end of the file, which may leave a line without a newline, at a NUL that counts, and at an error. */
function nextLines(buffer: LineBuffer, read: ReadAt, stopsAtNul: boolean): Buffer | "long" | undefined {
  try {
    while (buffer.position - buffer.offset < LONG_LINE) {
      const room = buffer.room();
      const count = read(room, buffer.position);
      if (count === 0 || (stopsAtNul && room.subarray(0, count).includes(0))) return undefined;
      if (buffer.filled(count)) return buffer.lines;
    }
    return "long";
  } catch {
    return undefined; // the search that takes over meets the error again
  }
}

/** Returns how many lines it told one by one, `most` of them; the rest is one hit then. */
function locate(
  matcher: Matcher,
  lines: Buffer,
  offset: number,
  stretches: Stretch[],
  { most, counts }: { most: number; counts: boolean },
): number {
  let hits = 0;
  let at = 0;
  const add = (end: number, isHit: boolean) => {
    if (end === at) return;
    const newlines = counts ? countNewlines(lines, at, end) : 0;
    addStretch(stretches, { end: offset + end, isHit, newlines });
    at = end;
  };
  const block = matcher.block(lines);
  while (at < lines.length && hits < most) {
    const line = matcher.next(block, at);
    add(line?.start ?? lines.length, false);
    if (line === undefined) break;
    add(line.end, true);
    hits++;
  }
  add(lines.length, true);
  return hits;
}

function addStretch(stretches: Stretch[], { end, isHit, newlines }: Stretch): void {
  const last = stretches.at(-1);
  if (last?.isHit === isHit) {
    last.end = end;
    last.newlines += newlines;
  } else stretches.push({ end, isHit, newlines });
}
