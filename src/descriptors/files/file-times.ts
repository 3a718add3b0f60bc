import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../constants.ts";
import { systemError } from "../errno.ts";
import { errno, libc, Memory } from "../libc.ts";

/** Nanoseconds since 1970. */
export interface FileTimes {
  atime: bigint;
  mtime: bigint;
}

/** Sets a file's times to the nanosecond, utimensat(2). Throws FILE with the errno. */
export function setTimes(path: Buffer, { atime, mtime }: FileTimes, { noFollow = false } = {}): void {
  const name = cString(path);
  for (const [at, time] of [
    [0, atime],
    [16, mtime],
  ] as const) {
    const ns = ((time % SECOND) + SECOND) % SECOND;
    times.view.setBigInt64(at, (time - ns) / SECOND, true);
    times.view.setBigInt64(at + 8, ns, true);
  }
  if (libc.utimensat(AT_FDCWD, name.address, times.address, noFollow ? AT_SYMLINK_NOFOLLOW : 0) === 0) return;
  throw systemError("FILE", "cannot set the times", errno());
}

/** The path as a NUL-terminated string of C. */
export function cString(path: Buffer): Memory {
  const memory = new Memory(path.length + 1);
  memory.bytes.set(path);
  return memory;
}

/** Two of struct timespec. */
const times = new Memory(32);
const SECOND = 1_000_000_000n;
