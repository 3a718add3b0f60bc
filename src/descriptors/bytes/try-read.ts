import { RWF_NOWAIT } from "../constants.ts";
import { Errno, systemError } from "../errno.ts";
import { setNonBlocking } from "../files/file.ts";
import { errno, libc, Memory, SystemCall } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";

const MAX_READ = 128 * 1024;
/** struct iovec (pointer, length), then the data. */
const memory = new Memory(16 + MAX_READ);
memory.setPointer(0, memory.address + 16);

/**
 * read(2) of at most 128 KiB without blocking: -1 if there is no data yet, 0 at the end. The sender
 * of the descriptor shares its O_NONBLOCK and may clear it, and may consume bytes that poll(2)
 * reported. So the call itself must not block (preadv2(2), RWF_NOWAIT). Where that is not supported
 * (named FIFOs, terminals, inotify, pipes before Linux 6.4) O_NONBLOCK is set again right before
 * the read. Throws FILE with the errno.
 */
export function tryRead(fd: OwnedFd, into: Uint8Array): number {
  const length = Math.min(MAX_READ, into.length);
  const count = readOnce(fd, length);
  if (count > 0) into.set(memory.bytes.subarray(16, 16 + count));
  return count;
}

function readOnce(fd: OwnedFd, length: number): number {
  for (let fallsBack = false; ; ) {
    memory.view.setUint32(8, length, true);
    if (fallsBack) setNonBlocking(fd, true);
    const count = fallsBack
      ? libc.read(fd.number, memory.address + 16, length)
      : libc.vector2(SystemCall.preadv2, fd.number, memory.address, 1, -1, -1, RWF_NOWAIT);
    if (count >= 0) return count;
    const error = errno();
    if (error === Errno.EAGAIN) return -1;
    if (error === Errno.EINTR) continue;
    if (fallsBack || !refusesNowait.has(error)) throw systemError("FILE", "read failed", error);
    fallsBack = true;
  }
}

const refusesNowait: ReadonlySet<number> = new Set([Errno.ENOTSUP, Errno.ENOSYS, Errno.ESPIPE, Errno.EINVAL]);
