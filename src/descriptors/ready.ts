import { POLLIN, POLLOUT } from "./constants.ts";
import { libc, Memory } from "./libc.ts";

/**
 * True if a write would not block. Blocks the event loop for up to `timeoutMs`; -1 waits without
 * limit.
 */
export function isWritable(out: number, timeoutMs = 0): boolean {
  return isReady(out, POLLOUT, timeoutMs);
}

/** True for a pipe or socket without a reader, and for a terminal that was hung up. */
export function isBroken(out: number): boolean {
  return isReady(out, 0, 0);
}

/** True if a read would not block. Blocks the event loop for up to `timeoutMs`. */
export function isReadable(source: number, timeoutMs = 0): boolean {
  return isReady(source, POLLIN, timeoutMs);
}

function isReady(fd: number, events: number, timeoutMs: number): boolean {
  pollEntry.view.setInt32(0, fd, true);
  pollEntry.view.setInt16(4, events, true);
  return libc.poll(pollEntry.address, 1, timeoutMs) > 0;
}

/** struct pollfd: int fd, short events, short revents. */
const pollEntry = new Memory(8);
