import { isUtf8 } from "node:buffer";
import { constants, openSync } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { F_GET_SEALS, F_GETFL, F_SETFD, F_SETFL, LOCK_EX, LOCK_NB, O_CLOEXEC, O_PATH } from "../constants.ts";
import { Errno, errnoText, systemError } from "../errno.ts";
import { errno, libc, Memory } from "../libc.ts";
import { OwnedFd } from "../owned-fd.ts";

/**
 * Returns the access mode and status flags of the open file (F_GETFL). Compare them with
 * `fs.constants.O_*`.
 */
export function getFlags(fd: OwnedFd | number): number {
  const flags = libc.fcntl(typeof fd === "number" ? fd : fd.number, F_GETFL, 0);
  if (flags < 0) throw systemError("FILE", "cannot read the descriptor's flags", errno());
  return flags;
}

/**
 * Sets or clears O_NONBLOCK. The flag belongs to the open file: all processes that share it see the
 * change.
 */
export function setNonBlocking(fd: OwnedFd | number, on: boolean): void {
  const flags = getFlags(fd);
  const wanted = on ? flags | constants.O_NONBLOCK : flags & ~constants.O_NONBLOCK;
  if (wanted === flags) return;
  if (libc.fcntl(typeof fd === "number" ? fd : fd.number, F_SETFL, wanted) < 0)
    throw systemError("FILE", "cannot change the descriptor's flags", errno());
}

/** Clears close-on-exec: programs that are started from now on inherit the descriptor. */
export function setInheritable(fd: number): void {
  if (libc.fcntl(fd, F_SETFD, 0) < 0) throw systemError("FILE", "cannot pass the descriptor on", errno());
}

/**
 * open(2), close-on-exec like everything that Node opens. `path` may be raw bytes. Only for paths
 * of this machine that the user or porthole chose. Blocks like open(2): add O_NONBLOCK for a
 * possible FIFO. Throws FILE with the errno.
 */
export function openPath(path: string | Buffer, flags: number, mode = 0o666): OwnedFd {
  try {
    return OwnedFd.adopt(openSync(path, flags, mode));
  } catch (error) {
    throw fileError(error, formatPath(path));
  }
}

/**
 * Opens an O_PATH descriptor of a directory, for listenAt and connectAt. Needs no read permission.
 * Throws ENOTDIR for a path that is not a directory.
 */
export function openDirectory(path: string | Buffer): OwnedFd {
  return openPath(path, O_PATH | constants.O_DIRECTORY);
}

/**
 * Takes the exclusive flock(2) of the open file. False if another open file holds the lock. Closing
 * the last descriptor releases it.
 */
export function tryLock(fd: OwnedFd): boolean {
  for (;;) {
    if (libc.flock(fd.number, LOCK_EX | LOCK_NB) === 0) return true;
    const error = errno();
    if (error === Errno.EAGAIN) return false;
    if (error !== Errno.EINTR) throw systemError("FILE", "cannot lock", error);
  }
}

/**
 * True for files in kernel memory (memfd, tmpfs), because only these files have seals (fcntl(2),
 * F_GET_SEALS).
 */
export function isInMemory(fd: OwnedFd): boolean {
  return libc.fcntl(fd.number, F_GET_SEALS, 0) >= 0;
}

/** mkfifo(3), less the umask. */
export function mkfifo(path: string | Buffer, mode = 0o600): void {
  const bytes = Buffer.from(path);
  const memory = new Memory(bytes.length + 1);
  memory.bytes.set(bytes);
  if (libc.mkfifo(memory.address, mode) === 0) return;
  const error = errno();
  throw systemError("FILE", `cannot make the FIFO ${path}`, error);
}

/** A pipe, close-on-exec: [read end, write end]. The caller closes both. */
export function pipe(options: { nonBlocking?: boolean } = {}): [OwnedFd, OwnedFd] {
  const pair = new Memory(8);
  if (libc.pipe2(pair.address, O_CLOEXEC | (options.nonBlocking ? constants.O_NONBLOCK : 0)) < 0)
    throw systemError("FILE", "cannot make a pipe", errno());
  return [OwnedFd.adopt(pair.view.getInt32(0, true)), OwnedFd.adopt(pair.view.getInt32(4, true))];
}

/**
 * Formats a path for an error message: if it is not valid UTF-8, bytes beyond ASCII become `\xff`;
 * a long path is truncated.
 */
export function formatPath(path: string | Buffer): string {
  const text =
    typeof path === "string" || isUtf8(path)
      ? path.toString()
      : path.toString("latin1").replace(/[\x80-\xff]/g, (byte) => `<${byte.charCodeAt(0).toString(16).toUpperCase()}>`);
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}

function fileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("errno" in error) || typeof error.errno !== "number") return error;
  return new PortholeError("FILE", `${path}: ${errnoText(-error.errno)}`, {
    errno: (error as NodeJS.ErrnoException).code,
    cause: error,
  });
}
