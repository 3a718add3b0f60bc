import { isUtf8 } from "node:buffer";
import { constants, openSync } from "node:fs";
import { PortholeError } from "../errors.ts";
import { Errno, errnoText, systemError } from "./errno.ts";
import { errno, libc, Memory, SystemCall } from "./libc.ts";
import { OwnedFd } from "./owned-fd.ts";

const F_GETFL = 3;
const F_SETFL = 4;
const F_GET_SEALS = 1034;
const LOCK_EX = 2;
const LOCK_NB = 4;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;

const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_BASIC_STATS = 0x7ff;
const STATX_BTIME = 0x800;
const STATX_MNT_ID = 0x1000;
const STATX_MNT_ID_UNIQUE = 0x4000; // Linux 6.8

/** What statx(2) says of a file. Times are nanoseconds since 1970; `dev` and `rdev` are encoded as in makedev(3) and Node's `Stats`. */
export interface Statx {
  /** Which of the fields below the file system filled (STATX_*). */
  mask: number;
  blksize: number;
  attributes: bigint;
  attributesMask: bigint;
  nlink: number;
  uid: number;
  gid: number;
  /** S_IFMT kind and permissions. */
  mode: number;
  ino: bigint;
  size: bigint;
  /** Units of 512 bytes. */
  blocks: bigint;
  atime: bigint;
  /** Undefined where the file system keeps no birth time. */
  btime: bigint | undefined;
  ctime: bigint;
  mtime: bigint;
  dev: bigint;
  devMajor: number;
  devMinor: number;
  rdev: bigint;
  rdevMajor: number;
  rdevMinor: number;
  /** The number in /proc/PID/mountinfo. Undefined before Linux 5.8. */
  mountId: bigint | undefined;
}

const statxMemory = new Memory(256 + 8);

/**
 * Facts of an open file, whatever it was opened with (O_PATH too). Never waits for a file system's server: AT_STATX_DONT_SYNC takes what the
 * kernel has, where fstat(2) hangs beyond SIGKILL on a FUSE file whose daemon does not answer.
 */
export function statx(fd: OwnedFd | number): Statx {
  const view = callStatx(fd, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID);
  const u32 = (offset: number): number => view.getUint32(offset, true);
  const u64 = (offset: number): bigint => view.getBigUint64(offset, true);
  const time = (offset: number): bigint =>
    view.getBigInt64(offset, true) * 1_000_000_000n + BigInt(view.getUint32(offset + 8, true));
  const mask = u32(0x00);
  return {
    mask,
    blksize: u32(0x04),
    attributes: u64(0x08),
    nlink: u32(0x10),
    uid: u32(0x14),
    gid: u32(0x18),
    mode: view.getUint16(0x1c, true),
    ino: u64(0x20),
    size: u64(0x28),
    blocks: u64(0x30),
    attributesMask: u64(0x38),
    atime: time(0x40),
    btime: mask & STATX_BTIME ? time(0x50) : undefined,
    ctime: time(0x60),
    mtime: time(0x70),
    rdev: makeDevice(u32(0x80), u32(0x84)),
    rdevMajor: u32(0x80),
    rdevMinor: u32(0x84),
    dev: makeDevice(u32(0x88), u32(0x8c)),
    devMajor: u32(0x88),
    devMinor: u32(0x8c),
    mountId: mask & STATX_MNT_ID ? u64(0x90) : undefined,
  };
}

/** What tells one file from another: kind and permissions, inode number, and the device that it is. */
export interface FileIdentity {
  mode: number;
  ino: bigint;
  rdevMajor: number;
  rdevMinor: number;
  /** Of its mount, never used again until the machine starts anew; undefined before Linux 6.8. Not the number in mountinfo. */
  uniqueMount: number | undefined;
}

/** The few facts of {@link statx} that every received descriptor is checked by, without the cost of the others. */
export function identify(fd: OwnedFd): FileIdentity {
  const view = callStatx(fd, STATX_BASIC_STATS | STATX_MNT_ID_UNIQUE);
  const known = (view.getUint32(0x00, true) & STATX_MNT_ID_UNIQUE) !== 0;
  return {
    mode: view.getUint16(0x1c, true),
    ino: view.getBigUint64(0x20, true),
    rdevMajor: view.getUint32(0x80, true),
    rdevMinor: view.getUint32(0x84, true),
    // They count from 2^31 (fs/namespace.c): a double holds them.
    uniqueMount: known ? view.getUint32(0x90, true) + view.getUint32(0x94, true) * 0x1_0000_0000 : undefined,
  };
}

/** The kernel's struct statx in memory that the next call overwrites. */
function callStatx(fd: OwnedFd | number, wanted: number): DataView {
  const { address, view } = statxMemory;
  // The path is the empty string, the zero byte behind the result.
  const number = typeof fd === "number" ? fd : fd.number;
  if (libc.statx(SystemCall.statx, number, address + 256, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, wanted, address) < 0)
    throw systemError("FILE", "statx failed", errno());
  return view;
}

/** makedev(3). */
export function makeDevice(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((a & 0xffff_f000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffff_ff00n) << 12n) | (b & 0xffn);
}

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

/** An inotify instance, non-blocking, close-on-exec. Throws FILE with the errno: EMFILE when the user has as many as he may. The caller closes it. */
export function inotifyInstance(): OwnedFd {
  // IN_CLOEXEC and IN_NONBLOCK are these.
  const fd = libc.inotify_init1(O_CLOEXEC | constants.O_NONBLOCK);
  if (fd < 0) throw systemError("FILE", "cannot make an inotify instance", errno());
  return OwnedFd.adopt(fd);
}

/** inotify_add_watch(2): the watch's number. Throws FILE with the errno: ENOENT, ENOSPC when the user has as many watches as he may. */
export function addInotifyWatch(instance: OwnedFd, path: Buffer, mask: number): number {
  const memory = new Memory(path.length + 1);
  memory.bytes.set(path);
  const watch = libc.inotify_add_watch(instance.number, memory.address, mask);
  if (watch < 0) throw systemError("FILE", `cannot watch ${shownPath(path)}`, errno());
  return watch;
}

/** inotify_rm_watch(2). The kernel may have removed it already, with the file: that is no failure. */
export function removeInotifyWatch(instance: OwnedFd, watch: number): void {
  libc.inotify_rm_watch(instance.number, watch);
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

const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * The offset of the first byte at or after `offset` that is not in a hole (lseek(2), SEEK_DATA): `offset` itself where the file system keeps no
 * account of holes; undefined when nothing but a hole, or nothing at all, follows. Moves the file offset of the open file, which
 * everybody shares who holds a descriptor of the same open: not for descriptors taken from another process (pidfd_getfd), and
 * not while somebody reads without positions. Throws FILE with the errno: ESPIPE for what has no positions.
 */
export function seekData(fd: OwnedFd | number, offset: number): number | undefined {
  return seekBorder(fd, offset, SEEK_DATA);
}

/** The offset of the first hole at or after `offset`, the end of the file if there is no other; undefined beyond it. As {@link seekData} else. */
export function seekHole(fd: OwnedFd | number, offset: number): number | undefined {
  return seekBorder(fd, offset, SEEK_HOLE);
}

/** Sets the file offset of the open file, which everybody shares who holds a descriptor of it; false for what has no positions (ESPIPE). */
export function seekTo(fd: OwnedFd | number, offset: number): boolean {
  if (libc.lseek(typeof fd === "number" ? fd : fd.number, offset, SEEK_SET) >= 0) return true;
  const error = errno();
  if (error === Errno.ESPIPE) return false;
  throw systemError("FILE", "cannot seek", error);
}

function seekBorder(fd: OwnedFd | number, offset: number, whence: number): number | undefined {
  const found = libc.lseek(typeof fd === "number" ? fd : fd.number, offset, whence);
  if (found >= 0) return Number(found);
  const error = errno();
  if (error === Errno.ENXIO) return undefined;
  // A file system or device that knows nothing of holes.
  if (error === Errno.EINVAL && whence === SEEK_DATA) return offset;
  throw systemError("FILE", "cannot seek", error);
}

/** True when the descriptor is a terminal (isatty(3)); node:tty would load sockets to say the same. */
export function isTerminal(fd: number): boolean {
  return libc.isatty(fd) === 1;
}
