import { RLIMIT_DATA } from "../constants.ts";
import { systemError } from "../errno.ts";
import { errno, libc, Memory } from "../libc.ts";

/** Private writable memory, since Linux 4.7 including mmap(2): getrlimit(2). */

/**
 * Limits the private writable memory of a process of this user (prlimit(2)): larger allocations of
 * that process fail. A lower existing limit stays.
 * @throws PortholeError FILE with the errno: ESRCH when the process has ended
 */
export function limitMemory(pid: number, bytes: number): void {
  const limits = new Memory(16);
  if (libc.prlimit(pid, RLIMIT_DATA, 0, limits.address) < 0) throw systemError("FILE", "cannot read limits", errno());
  if (limits.view.getBigUint64(0, true) <= BigInt(bytes)) return;
  limits.view.setBigUint64(0, BigInt(bytes), true);
  if (libc.prlimit(pid, RLIMIT_DATA, limits.address, 0) < 0) throw systemError("FILE", "cannot set limits", errno());
}
