import { statfsSync } from "node:fs";
import { EXT4_SUPER_MAGIC, FALLOC_FL_KEEP_SIZE } from "../constants.ts";
import { libc } from "../libc.ts";

/**
 * Allocates the blocks of a new file before its content is written (fallocate(2)). On ext4 this
 * makes a copy faster (docs/decisions.md). Does nothing on other file systems: xfs and btrfs share
 * the blocks of the source, and tmpfs gains nothing.
 *
 * Keeps the file's size, so no reader sees more than what was written. Ignores errors, because the
 * write that follows reports them (ENOSPC, EDQUOT) or succeeds (EOPNOTSUPP, EINTR).
 */
export class Preallocation {
  readonly #out: number;
  /** The end of the allocated range; undefined after an error. */
  #end: bigint | undefined = 0n;

  private constructor(out: number) {
    this.#out = out;
  }

  /** @param out an empty regular file; undefined if its file system gains nothing */
  static of(out: number): Preallocation | undefined {
    return statfsSync(`/proc/self/fd/${out}`).type === EXT4_SUPER_MAGIC ? new Preallocation(out) : undefined;
  }

  /**
   * Allocates blocks from `position` to `end`, at most {@link AHEAD} bytes. Call it before each
   * write of that range. Most calls find the blocks already allocated.
   */
  allocate(position: bigint, end: bigint): void {
    if (this.#end === undefined || position < this.#end || end - position < MIN) return;
    const length = end - position < AHEAD ? end - position : AHEAD;
    const code = libc.fallocate(this.#out, FALLOC_FL_KEEP_SIZE, Number(position), Number(length));
    this.#end = code === 0 ? position + length : undefined;
    this.#last = position + length;
  }

  /** Releases the blocks beyond `size`, the final size of the file: its source may have shrunk. */
  trim(size: bigint): void {
    if (this.#last > size) libc.ftruncate(this.#out, Number(size));
  }

  /** The end of the last range, even if only a part of it could be allocated. */
  #last = 0n;
}

/** Maximum bytes of one allocation: ext4 allocates no longer extent of unwritten blocks. */
const AHEAD = 128n * 1024n * 1024n;
/** Bytes below which an allocation costs as much as it gains. */
const MIN = 1024n * 1024n;
