import { libc, Memory } from "./libc.ts";

/** struct pollfd: int fd, short events, short revents. */
const entry = new Memory(8);

/** True for a pipe or socket without a reader, and for a terminal that was hung up (poll(2)). */
export function isBroken(out: number): boolean {
  entry.view.setInt32(0, out, true);
  entry.view.setInt16(4, 0, true);
  return libc.poll(entry.address, 1, 0) > 0;
}
