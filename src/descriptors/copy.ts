import { constants } from "node:fs";
import { PortholeError } from "../errors.ts";
import { canKeepHoles, copySparse, type Extent } from "./copy-sparse.ts";
import { Errno, systemError } from "./errno.ts";
import { getFlags } from "./file.ts";
import { errno, libc, Memory } from "./libc.ts";
import type { OwnedFd } from "./owned-fd.ts";
import { type Statx, statx } from "./statx.ts";

/** Bytes a call: long enough that calls cost nothing, short enough that a signal is acted on at once. */
const CHUNK = 16 * 1024 * 1024;
const READ = 256 * 1024;
const SEEK_CUR = 1;
const SEEK_END = 2;
const POLLIN = 1;
const POLLOUT = 0x004;

/** What part of the file to copy: from `offset` (0), `length` bytes (to its end). */
export interface CopyOptions {
  offset?: bigint | undefined;
  length?: bigint | undefined;
  /** Called after each piece, of 16 MiB at most, with the bytes copied so far. What it throws ends the copy. */
  onProgress?: ((copied: bigint) => void) | undefined;
}

/**
 * Copies a regular file (of /proc and /sys too) to a descriptor as fast as the kernel can: copy_file_range(2) to a file, sendfile(2) to anything
 * else, pread and write where neither works. Returns the bytes copied, up to the first end of file. The source's own offset is not used; finding
 * the holes of a sparse file moves it, and sets it back. Such holes stay holes in a regular file that is not opened to append.
 *
 * Synchronous on purpose: nothing is faster, and with signals at their default action Ctrl-C still ends the process between two chunks; do not call
 * it with a SIGINT handler installed. A non-blocking output is waited for. Throws FILE with the errno: EPIPE (the reader is gone), ENOSPC,
 * EINVAL (input file is output file), ESPIPE (a source without positions such as /proc/kmsg: use pumpToFd).
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
    end: start + (options.length ?? 1n << 62n),
    onProgress: options.onProgress && ((position) => options.onProgress?.(position - start)),
  };
  if (!canKeepHoles(from, to, out)) copyAll(copy, from.size > 0n, isRegular(to));
  else if (!copySparse(copy, (extent) => copyAll(extent, true, true))) throw writeError(errno());
  return copy.position - start;
}

/** A file that claims to be empty makes up its content when it is read: sendfile and copy_file_range may see nothing. */
function copyAll(copy: Copy, hasSize: boolean, toFile: boolean): void {
  if (hasSize && toFile && copyByRange(copy)) return;
  if (hasSize && copyBySendfile(copy)) return;
  copyByRead(copy);
}

/** How far a copy has come. */
interface Copy extends Extent {
  onProgress: ((position: bigint) => void) | undefined;
}

/** As cat(1): copying a file behind its own reading position would never end. */
function refuseSelfCopy(from: Statx, to: Statx, start: bigint, out: number): void {
  if (!isRegular(to) || from.ino !== to.ino || from.dev !== to.dev) return;
  const position = libc.lseek(out, 0, getFlags(out) & constants.O_APPEND ? SEEK_END : SEEK_CUR);
  if (BigInt(position) > start)
    throw new PortholeError("FILE", "input file is output file", { errno: "EINVAL", hint: "write to another file" });
}

/** False when the rest has to be copied by other means. */
function copyByRange(copy: Copy): boolean {
  return copyInKernel(copy, (length) => libc.copy_file_range(copy.source, position.address, copy.out, 0, length, 0));
}

function copyBySendfile(copy: Copy): boolean {
  return copyInKernel(copy, (length) => libc.sendfile(copy.out, copy.source, position.address, length));
}

const position = new Memory(8);

/**
 * True at the end of the file. False when the kernel refuses this way for these two files; also when it says "end" before the first byte, which on
 * pseudo-files may not be true (copy_file_range(2), BUGS).
 */
function copyInKernel(copy: Copy, call: (length: number) => number): boolean {
  let copied = false;
  while (copy.position < copy.end) {
    position.view.setBigInt64(0, copy.position, true);
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
      // Anything else may be this way's own limit (EINVAL, EXDEV, ENOSYS, EBADF, EOVERFLOW, ...); read or write will say the true error.
      else if (error !== Errno.EINTR) return false;
    }
  }
  return true;
}

function copyByRead(copy: Copy): void {
  const memory = new Memory(READ);
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

/** Writes everything, waiting where the output is slow. Throws FILE with the errno. */
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

/** Whether a write would do something now (or say its error); waits for that up to `timeoutMs`, -1 for ever, with the event loop at a stop. */
export function isWritable(out: number, timeoutMs = 0): boolean {
  return isReady(out, POLLOUT, timeoutMs);
}

/** Whether a read would not have to wait now. */
export function isReadable(source: number): boolean {
  return isReady(source, POLLIN, 0);
}

function isReady(fd: number, events: number, timeoutMs: number): boolean {
  pollEntry.view.setInt32(0, fd, true);
  pollEntry.view.setInt16(4, events, true);
  return libc.poll(pollEntry.address, 1, timeoutMs) > 0;
}

/** struct pollfd: int fd, short events, short revents. */
const pollEntry = new Memory(8);

/** How the message of a failed write begins. */
export const WRITE_FAILED = "write failed";

/** The error of a failed write; the command ends quietly on EPIPE. */
export function writeError(error: number): PortholeError {
  return systemError("FILE", WRITE_FAILED, error);
}

function chunk(copy: Copy, most: number): number {
  const left = copy.end - copy.position;
  return left < BigInt(most) ? Number(left) : most;
}

function isRegular(file: Statx): boolean {
  return (file.mode & constants.S_IFMT) === constants.S_IFREG;
}
