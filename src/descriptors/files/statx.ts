import {
  AT_EMPTY_PATH,
  AT_STATX_DONT_SYNC,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_MNT_ID,
  STATX_MNT_ID_UNIQUE,
} from "../constants.ts";
import { systemError } from "../errno.ts";
import { errno, libc, Memory, SystemCall } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";

/**
 * The result of statx(2). Times are nanoseconds since 1970; `dev` and `rdev` are encoded as in
 * makedev(3) and Node's `Stats`.
 */
export interface Statx {
  /** The fields that the file system filled (STATX_*). */
  mask: number;
  blksize: number;
  attributes: bigint;
  attributesMask: bigint;
  nlink: number;
  uid: number;
  gid: number;
  /** File type (S_IFMT) and permissions. */
  mode: number;
  ino: bigint;
  size: bigint;
  /** Units of 512 bytes. */
  blocks: bigint;
  atime: bigint;
  /** Undefined if the file system stores no birth time. */
  btime: bigint | undefined;
  ctime: bigint;
  mtime: bigint;
  dev: bigint;
  devMajor: number;
  devMinor: number;
  rdev: bigint;
  rdevMajor: number;
  rdevMinor: number;
  /** The mount id as in /proc/PID/mountinfo. Undefined before Linux 5.8. */
  mountId: bigint | undefined;
}

const statxMemory = new Memory(256 + 8);

/**
 * Calls statx(2) on an open file, also with O_PATH. Never waits for a file system's server, because
 * AT_STATX_DONT_SYNC returns the kernel's cached values. fstat(2) of a FUSE file hangs, even after
 * SIGKILL, if the daemon does not respond.
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

/** The properties that identify a file: mode, inode number, and the number of a device node. */
export interface FileIdentity {
  mode: number;
  ino: bigint;
  rdevMajor: number;
  rdevMinor: number;
  /**
   * Unique mount id, not reused until reboot; undefined before Linux 6.8. Not the id in mountinfo.
   */
  uniqueMount: number | undefined;
}

/** The part of {@link statx} that is checked for every received descriptor, at lower cost. */
export function identify(fd: OwnedFd): FileIdentity {
  const view = callStatx(fd, STATX_BASIC_STATS | STATX_MNT_ID_UNIQUE);
  const known = (view.getUint32(0x00, true) & STATX_MNT_ID_UNIQUE) !== 0;
  return {
    mode: view.getUint16(0x1c, true),
    ino: view.getBigUint64(0x20, true),
    rdevMajor: view.getUint32(0x80, true),
    rdevMinor: view.getUint32(0x84, true),
    // Unique ids count from 2^31 (fs/namespace.c): a double holds them.
    uniqueMount: known ? view.getUint32(0x90, true) + view.getUint32(0x94, true) * 0x1_0000_0000 : undefined,
  };
}

/** struct statx in memory that the next call overwrites. */
function callStatx(fd: OwnedFd | number, mask: number): DataView {
  const { address, view } = statxMemory;
  // The empty path is the zero byte after the result.
  const number = typeof fd === "number" ? fd : fd.number;
  if (libc.statx(SystemCall.statx, number, address + 256, AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, address) < 0)
    throw systemError("FILE", "statx failed", errno());
  return view;
}

/** makedev(3). */
export function makeDevice(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((a & 0xffff_f000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffff_ff00n) << 12n) | (b & 0xffn);
}
