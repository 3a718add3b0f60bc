import { Errno, systemError } from "./errno.ts";
import { setNonBlocking } from "./file.ts";
import { errno, libc, Memory, SystemCall } from "./libc.ts";
import type { OwnedFd } from "./owned-fd.ts";

const MOST = 128 * 1024;
const RWF_NOWAIT = 8;
/** struct iovec: pointer, length; then the data. */
const memory = new Memory(16 + MOST);
memory.setPointer(0, memory.address + 16);

/**
 * read(2) of at most 128 KiB that does not wait: -1 when there is nothing yet, 0 at the end. Whoever passed the descriptor shares its O_NONBLOCK and may clear it, and may take the
 * bytes away that poll(2) had seen; so the call itself says not to wait (preadv2(2), RWF_NOWAIT). What knows no such call (FIFOs with a
 * name, terminals, inotify, pipes before Linux 6.4) has the flag set again right before it is read. Throws FILE with the errno.
 */
export function readNow(fd: OwnedFd, into: Uint8Array): number {
  const most = Math.min(MOST, into.length);
  const count = once(fd, most);
  if (count > 0) into.set(memory.bytes.subarray(16, 16 + count));
  return count;
}

function once(fd: OwnedFd, most: number): number {
  for (let waits = false; ; ) {
    memory.view.setUint32(8, most, true);
    if (waits) setNonBlocking(fd, true);
    const count = waits
      ? libc.read(fd.number, memory.address + 16, most)
      : libc.vector2(SystemCall.preadv2, fd.number, memory.address, 1, -1, -1, RWF_NOWAIT);
    if (count >= 0) return count;
    const error = errno();
    if (error === Errno.EAGAIN) return -1;
    if (error === Errno.EINTR) continue;
    if (waits || !refusesNowait.has(error)) throw systemError("FILE", "read failed", error);
    waits = true;
  }
}

const refusesNowait: ReadonlySet<number> = new Set([Errno.ENOTSUP, Errno.ENOSYS, Errno.ESPIPE, Errno.EINVAL]);
