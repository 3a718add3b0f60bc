import { constants } from "node:fs";
import type { PortholeError } from "../../errors.ts";
import { SEEK_CUR } from "../constants.ts";
import { Errno, writeError } from "../errno.ts";
import { getFlags } from "../files/file.ts";
import { seekData, seekHole, seekTo } from "../files/seek.ts";
import { type Statx, statx } from "../files/statx.ts";
import { libc } from "../libc.ts";

/** The part of a file that must still be copied to `out`: from `position` to `end`. */
export interface Extent {
  readonly source: number;
  readonly out: number;
  position: bigint;
  end: bigint;
}

/** Bytes of a block in `st_blocks` (stat(2)). */
const BLOCK = 512n;

/**
 * True if a copy can keep holes. The source must have fewer blocks than its size needs, and `out`
 * must be a regular file without O_APPEND. With O_APPEND only truncate(2) makes a hole, and it
 * would remove data that other processes append meanwhile.
 */
export function canKeepHoles(from: Statx, to: Statx, out: number): boolean {
  const isFile = (to.mode & constants.S_IFMT) === constants.S_IFREG;
  return isFile && from.blocks * BLOCK < from.size && (getFlags(out) & constants.O_APPEND) === 0;
}

/**
 * Copies a file and keeps holes that lie beyond the current end of `out`; over existing content
 * holes become zeros. `copyData` copies up to `extent.end` and stops earlier at end of file. Moves
 * the source's offset and restores it.
 * @returns false if `out` cannot be extended for a hole at its end; errno has the reason
 */
export function copySparse<T extends Extent>(extent: T, copyData: (extent: T) => void): boolean {
  const { source, end, position: start } = extent;
  // A number is not exact beyond this offset. No file system stores so large a file.
  if (statx(source).size > BigInt(Number.MAX_SAFE_INTEGER)) throw tooLarge();
  const offset = Number(libc.lseek(source, 0, SEEK_CUR));
  try {
    for (; extent.position < end; extent.end = end) {
      const data = seekData(source, Number(extent.position));
      skipHole(extent, data === undefined ? statx(source).size : BigInt(data), copyData);
      const from = extent.position;
      extent.end = min(end, BigInt(seekHole(source, Number(from)) ?? end));
      copyData(extent);
      // Stops at end of file, or at the end of the requested range, which a growing file has
      // passed.
      if (extent.position < extent.end || extent.position === from) break;
    }
  } finally {
    extent.end = end;
    seekTo(source, offset);
  }
  return extent.position === start || endWithHole(extent.out);
}

/** Moves to `until` or the extent's end: writes zeros over existing content, seeks beyond it. */
function skipHole<T extends Extent>(extent: T, until: bigint, copyData: (extent: T) => void): void {
  const { out, end } = extent;
  const target = min(until, end);
  const ahead = statx(out).size - BigInt(libc.lseek(out, 0, SEEK_CUR));
  if (ahead > 0n) {
    extent.end = min(extent.position + ahead, target);
    if (extent.end > extent.position) copyData(extent);
    extent.end = end;
  }
  const hole = target - extent.position;
  if (hole <= 0n) return;
  // A seek fails beyond the maximum file size of the file system.
  if (libc.lseek(out, Number(hole), SEEK_CUR) < 0) throw tooLarge();
  extent.position = target;
}

function tooLarge(): PortholeError {
  return writeError(Errno.EFBIG);
}

/** A hole at the end exists only through the file's size. */
function endWithHole(out: number): boolean {
  const position = Number(libc.lseek(out, 0, SEEK_CUR));
  return BigInt(position) <= statx(out).size || libc.ftruncate(out, position) >= 0;
}

const min = (a: bigint, b: bigint) => (a < b ? a : b);
