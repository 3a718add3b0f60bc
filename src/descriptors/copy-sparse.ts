import { constants } from "node:fs";
import { getFlags } from "./file.ts";
import { libc } from "./libc.ts";
import { seekData, seekHole, seekTo } from "./seek.ts";
import { type Statx, statx } from "./statx.ts";

/** A part of a file on its way to `out`, up to `end`; `position` says how far it has come. */
export interface Extent {
  readonly source: number;
  readonly out: number;
  position: bigint;
  end: bigint;
}

const SEEK_CUR = 1;
/** stat(2), `st_blocks`. */
const BLOCK = 512n;

/**
 * Whether a copy can keep holes: the source has fewer blocks than its size needs, and `out` is a regular file. Not one that
 * is opened to append: there only truncate(2) could make a hole, which would cut off what others append meanwhile.
 */
export function canKeepHoles(from: Statx, to: Statx, out: number): boolean {
  const isFile = (to.mode & constants.S_IFMT) === constants.S_IFREG;
  return isFile && from.blocks * BLOCK < from.size && (getFlags(out) & constants.O_APPEND) === 0;
}

/**
 * Copies a file whose holes stay holes behind the end of what `out` has; over old content they are zeros. `copyData` copies
 * up to `extent.end` and stops earlier at the end of the file. The source's offset is moved and set back.
 * @returns false where `out` refuses to be made longer for a hole at its end; errno says why
 */
export function copySparse<T extends Extent>(extent: T, copyData: (extent: T) => void): boolean {
  const { source, end, position: start } = extent;
  const offset = Number(libc.lseek(source, 0, SEEK_CUR));
  try {
    for (; extent.position < end; extent.end = end) {
      const data = seekData(source, Number(extent.position));
      skipHole(extent, data === undefined ? statx(source).size : BigInt(data), copyData);
      const from = extent.position;
      extent.end = least(end, BigInt(seekHole(source, Number(from)) ?? end));
      copyData(extent);
      // The end of the file, or of what was asked for; a file that grows has come further.
      if (extent.position < extent.end || extent.position === from) break;
    }
  } finally {
    extent.end = end;
    seekTo(source, offset);
  }
  return extent.position === start || endWithHole(extent.out);
}

/** Goes on at `until` or the extent's end: over what `out` already has by writing zeros, then without writing. */
function skipHole<T extends Extent>(extent: T, until: bigint, copyData: (extent: T) => void): void {
  const { out, end } = extent;
  const target = least(until, end);
  const ahead = statx(out).size - BigInt(libc.lseek(out, 0, SEEK_CUR));
  if (ahead > 0n) {
    extent.end = least(extent.position + ahead, target);
    if (extent.end > extent.position) copyData(extent);
    extent.end = end;
  }
  const hole = target - extent.position;
  // Beyond what the file system can hold: the write that follows says so.
  if (hole > 0n && libc.lseek(out, Number(hole), SEEK_CUR) >= 0) extent.position = target;
}

/** A hole at the end exists only by the file's size. */
function endWithHole(out: number): boolean {
  const position = Number(libc.lseek(out, 0, SEEK_CUR));
  return BigInt(position) <= statx(out).size || libc.ftruncate(out, position) >= 0;
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);
