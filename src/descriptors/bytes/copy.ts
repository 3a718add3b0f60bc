import { constants } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { SEEK_CUR, SEEK_END } from "../constants.ts";
import { Errno, systemError, writeError } from "../errno.ts";
import { getFlags } from "../files/file.ts";
import { type Statx, statx } from "../files/statx.ts";
import { storesFiles } from "../files/stores-files.ts";
import { errno, libc, Memory } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";
import { isWritable } from "../ready.ts";
import { canKeepHoles, copySparse, type Extent } from "./copy-sparse.ts";
import { Preallocation } from "./preallocation.ts";

/**
 * Bytes for each call. The value is large enough to hide call overhead, and small enough to react
 * to signals.
 */
const CHUNK = 16 * 1024 * 1024;
const READ = 256 * 1024;

/** The part of the file to copy: from `offset` (0), `length` bytes (to end of file). */
export interface CopyOptions {
  offset?: bigint | undefined;
  length?: bigint | undefined;
  /**
   * True if `out` is a new, empty file that is removed if the copy fails. Its blocks may be
   * allocated before they are written. The copy ends at the current size of the source, so that a
   * source that grows meanwhile cannot fill the disk. Files that the kernel generates are copied to
   * their end.
   */
  isNew?: boolean | undefined;
  /**
   * Called after each piece of at most 16 MiB with the bytes copied so far. An exception ends the
   * copy.
   */
  onProgress?: ((copied: bigint) => void) | undefined;
}

/**
 * Copies a regular file (also of /proc and /sys) to a descriptor as fast as the kernel can. Uses
 * copy_file_range(2) to a file, and sendfile(2) to any other kind. If neither works, uses pread and
 * write. Returns the bytes copied, up to the first end of file. Does not use the source's offset;
 * finding the holes of a sparse file moves and restores it. Holes are kept in a regular file that
 * is not opened with O_APPEND.
 *
 * Synchronous for speed. With default signal actions Ctrl-C ends the process between two chunks, so
 * do not call it with a SIGINT handler installed. Waits for a non-blocking output. Throws FILE with
 * the errno: EPIPE (no reader), ENOSPC, EINVAL (input file is output file), ESPIPE (a source
 * without positions such as /proc/kmsg: use pumpToFd).
 */
export function copyToFd(source: OwnedFd, out: number, options: CopyOptions = {}): bigint {
  const from = statx(source);
  const to = statx(out);
  const start = options.offset ?? 0n;
  refuseSelfCopy(from, to, start, out);
  const copy: Copy = {
    source: source.number,
    out,
    position: start,
    end: endOf(options, start, from, source),
    start,
    preallocation: options.isNew && from.size > 0n ? Preallocation.of(out) : undefined,
    onProgress: options.onProgress && ((position) => options.onProgress?.(position - start)),
  };
  if (!canKeepHoles(from, to, out)) copyAll(copy, from.size > 0n, isRegular(to));
  else if (!copySparse(copy, (extent) => copyAll(extent, true, true))) throw writeError(errno());
  copy.preallocation?.trim(copy.position - start);
  return copy.position - start;
}

/** The content of a file that the kernel generates has no known end. */
function endOf({ length, isNew }: CopyOptions, start: bigint, from: Statx, source: OwnedFd): bigint {
  if (length !== undefined) return start + length;
  const hasEnd = isNew && (from.size > 0n || (isRegular(from) && storesFiles(source.number)));
  return hasEnd ? from.size : start + (1n << 62n);
}

/**
 * Handles files of size 0. They may generate content on read, which sendfile and copy_file_range
 * may not see.
 */
function copyAll(copy: Copy, hasSize: boolean, toFile: boolean): void {
  if (hasSize && toFile && copyByRange(copy)) return;
  if (hasSize && copyBySendfile(copy)) return;
  copyByRead(copy);
}

interface Copy extends Extent {
  start: bigint;
  preallocation: Preallocation | undefined;
  onProgress: ((position: bigint) => void) | undefined;
}

/** Throws like cat(1) for a copy to a later position of the same file, which would never end. */
function refuseSelfCopy(from: Statx, to: Statx, start: bigint, out: number): void {
  if (!isRegular(to) || from.ino !== to.ino || from.dev !== to.dev) return;
  const position = libc.lseek(out, 0, getFlags(out) & constants.O_APPEND ? SEEK_END : SEEK_CUR);
  if (BigInt(position) > start)
    throw new PortholeError("FILE", "input file is output file", { errno: "EINVAL", hint: "write to another file" });
}

/** Copies by copy_file_range(2). False if the rest must be copied in another way. */
function copyByRange(copy: Copy): boolean {
  return copyInKernel(copy, (length) => libc.copy_file_range(copy.source, position.address, copy.out, 0, length, 0));
}

function copyBySendfile(copy: Copy): boolean {
  return copyInKernel(copy, (length) => libc.sendfile(copy.out, copy.source, position.address, length));
}

const position = new Memory(8);

/**
 * Copies by `call`. True at end of file. False if the kernel cannot copy this way between these two
 * files. An end of file before the first byte also counts as false, because it may be wrong on
 * pseudo-files (copy_file_range(2), BUGS).
 */
function copyInKernel(copy: Copy, call: (length: number) => number): boolean {
  let copied = false;
  while (copy.position < copy.end) {
    position.view.setBigInt64(0, copy.position, true);
    preallocate(copy);
    const length = chunk(copy, CHUNK);
    const count = call(length);
    if (count > 0) {
      copy.position += BigInt(count);
      copied = true;
      copy.onProgress?.(copy.position);
    } else if (count === 0) return copied;
    else {
      const error = errno();
      if (error === Errno.EAGAIN) isWritable(copy.out, -1);
      else if (error === Errno.EPIPE || error === Errno.ENOSPC) throw writeError(error);
      // Other errors may be limits of this call (EINVAL, EXDEV, ENOSYS, EBADF, EOVERFLOW, ...);
      // read or write then reports the real error.
      else if (error !== Errno.EINTR) return false;
    }
  }
  return true;
}

/** Allocates the blocks of the current extent. Its end is known, because the copy is a new file. */
function preallocate({ preallocation, position, start, end }: Copy): void {
  preallocation?.allocate(position - start, end - start);
}

/** Made at the first copy, and used by all: a buffer for each of many empty files costs more. */
let readMemory: Memory | undefined;

/** Synchronous, so no two copies use the memory at once. */
function copyByRead(copy: Copy): void {
  readMemory ??= new Memory(READ);
  const memory = readMemory;
  while (copy.position < copy.end) {
    const count = libc.pread(copy.source, memory.address, chunk(copy, READ), copy.position);
    if (count === 0) return;
    if (count < 0) {
      const error = errno();
      if (error === Errno.EINTR) continue;
      throw systemError("FILE", "read failed", error);
    }
    writeFully(copy.out, memory.address, count);
    copy.position += BigInt(count);
    copy.onProgress?.(copy.position);
  }
}

/** Writes everything and waits for a slow output. Throws FILE with the errno. */
export function writeFully(out: number, address: number, length: number): void {
  for (let done = 0; done < length; ) {
    const count = libc.write(out, address + done, length - done);
    if (count >= 0) {
      done += count;
      continue;
    }
    const error = errno();
    if (error === Errno.EAGAIN) isWritable(out, -1);
    else if (error !== Errno.EINTR) throw writeError(error);
  }
}

function chunk(copy: Copy, max: number): number {
  const left = copy.end - copy.position;
  return left < BigInt(max) ? Number(left) : max;
}

function isRegular(file: Statx): boolean {
  return (file.mode & constants.S_IFMT) === constants.S_IFREG;
}
