import { isUtf8 } from "node:buffer";
import { constants, openSync } from "node:fs";
import { PortholeError } from "../errors.ts";
import { Errno, errnoText, systemError } from "./errno.ts";
import { errno, libc, Memory } from "./libc.ts";
import { OwnedFd } from "./owned-fd.ts";

const F_GETFL = 3;
const F_SETFL = 4;
const F_GET_SEALS = 1034;
const LOCK_EX = 2;
const LOCK_NB = 4;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;

/** Access mode and status flags of the open file (F_GETFL); compare with `fs.constants.O_*`. */
export function getFlags(fd: OwnedFd | number): number {
  const flags = libc.fcntl(typeof fd === "number" ? fd : fd.number, F_GETFL, 0);
  if (flags < 0) throw systemError("FILE", "cannot read the descriptor's flags", errno());
  return flags;
}

/** Sets or clears O_NONBLOCK. The flag belongs to the open file: every process that shares it sees the change. */
export function setNonBlocking(fd: OwnedFd, on: boolean): void {
  const flags = getFlags(fd);
  const wanted = on ? flags | constants.O_NONBLOCK : flags & ~constants.O_NONBLOCK;
  if (wanted === flags) return;
  if (libc.fcntl(fd.number, F_SETFL, wanted) < 0)
    throw systemError("FILE", "cannot change the descriptor's flags", errno());
}

/**
 * open(2), close-on-exec as everything that Node opens. `path` may be raw bytes. Only for paths of this machine that the user or porthole itself chose. Blocks as
 * open does: add O_NONBLOCK for what may be a FIFO. Throws FILE with the errno.
 */
export function openPath(path: string | Buffer, flags: number, mode = 0o666): OwnedFd {
  try {
    return OwnedFd.adopt(openSync(path, flags, mode));
  } catch (error) {
    throw fileError(error, shownPath(path));
  }
}

/** A directory's O_PATH descriptor, for listenAt and connectAt; needs no read permission on it. ENOTDIR for anything else. */
export function openDirectory(path: string | Buffer): OwnedFd {
  return openPath(path, O_PATH | constants.O_DIRECTORY);
}

/** Takes the exclusive flock(2) of the open file; false when another open file holds it. Released when the last descriptor closes. */
export function tryLock(fd: OwnedFd): boolean {
  for (;;) {
    if (libc.flock(fd.number, LOCK_EX | LOCK_NB) === 0) return true;
    const error = errno();
    if (error === Errno.EAGAIN) return false;
    if (error !== Errno.EINTR) throw systemError("FILE", "cannot lock", error);
  }
}

/** True for what lies in memory of the kernel's own, memfd or tmpfs: only that has seals (fcntl(2), F_GET_SEALS). */
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

/** A path for an error: what is not UTF-8 as a whole has its bytes beyond ASCII written out (`\xff`), what is very long is cut. */
export function shownPath(path: string | Buffer): string {
  const text =
    typeof path === "string" || isUtf8(path)
      ? path.toString()
      : path.toString("latin1").replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
}

function fileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("errno" in error) || typeof error.errno !== "number") return error;
  return new PortholeError("FILE", `${path}: ${errnoText(-error.errno)}`, {
    errno: (error as NodeJS.ErrnoException).code,
    cause: error,
  });
}

/** True when the descriptor is a terminal (isatty(3)); node:tty would load sockets to say the same. */
export function isTerminal(fd: number): boolean {
  return libc.isatty(fd) === 1;
}
