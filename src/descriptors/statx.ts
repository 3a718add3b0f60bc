import { systemError } from "./errno.ts";
import { errno, libc, Memory, SystemCall } from "./libc.ts";
import type { OwnedFd } from "./owned-fd.ts";

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
