import { FileStatAt, StatFlag } from "./messages.ts";
import { violation } from "./violation.ts";

/** statx(2) of a file as the agent reports it. Times are nanoseconds since 1970. */
export interface FileStat {
  /** Mode with type bits, as in stat(2). */
  mode: number;
  links: number;
  uid: number;
  gid: number;
  /** Bytes; 0 for most of /proc, and only a hint for growing files. */
  size: bigint;
  /** Blocks of 512 bytes. */
  blocks: bigint;
  inode: bigint;
  /** The device that holds the file. */
  device: { major: number; minor: number };
  /** The device number of a character or block device. */
  rdev: { major: number; minor: number };
  /** Mount id as in the first field of mountinfo (proc_pid_mountinfo(5)). */
  mountId: bigint;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
  /** Birth time, if the file system stores it. */
  btime: bigint | undefined;
  /**
   * True if the descriptor is a pipe into which the agent copies the file: docs/protocol.md,
   * "Relayed files".
   */
  relayed: boolean;
}

/** Decodes a file stat of 120 bytes at `offset` of `bytes`. */
export function decodeFileStat(bytes: Uint8Array, offset = 0): FileStat {
  return statAt(new DataView(bytes.buffer, bytes.byteOffset + offset, FileStatAt.size), 0);
}

/** Like {@link decodeFileStat}, at offset `from` of a view. */
export function statAt(view: DataView, from: number): FileStat {
  const at = FileStatAt;
  const flags = checkedFlags(view, from);
  return {
    mode: view.getUint32(from + at.mode, true),
    links: view.getUint32(from + at.links, true),
    uid: view.getUint32(from + at.uid, true),
    gid: view.getUint32(from + at.gid, true),
    size: view.getBigUint64(from + at.bytes, true),
    blocks: view.getBigUint64(from + at.blocks, true),
    inode: view.getBigUint64(from + at.inode, true),
    device: {
      major: view.getUint32(from + at.deviceMajor, true),
      minor: view.getUint32(from + at.deviceMinor, true),
    },
    rdev: { major: view.getUint32(from + at.rdevMajor, true), minor: view.getUint32(from + at.rdevMinor, true) },
    mountId: view.getBigUint64(from + at.mountId, true),
    atime: time(view, from + at.atime, from + at.atimeNs),
    mtime: time(view, from + at.mtime, from + at.mtimeNs),
    ctime: time(view, from + at.ctime, from + at.ctimeNs),
    btime: (flags & StatFlag.birthTime) !== 0 ? time(view, from + at.btime, from + at.btimeNs) : undefined,
    relayed: (flags & StatFlag.relayed) !== 0,
  };
}

function time(view: DataView, seconds: number, ns: number): bigint {
  return view.getBigInt64(seconds, true) * 1_000_000_000n + BigInt(view.getUint32(ns, true));
}

/** The part of the agent's reply about an opened file that the descriptor can verify. */
export interface FileClaim {
  mode: number;
  inode: bigint;
  rdevMajor: number;
  rdevMinor: number;
  relayed: boolean;
  /** True if the file was not opened, because reading would consume data. */
  consuming: boolean;
}

/** Decodes only the fields that the descriptor can verify. Throws SESSION for unknown flags. */
export function decodeFileClaim(bytes: Uint8Array): FileClaim {
  const at = FileStatAt;
  const view = new DataView(bytes.buffer, bytes.byteOffset, at.size);
  const flags = checkedFlags(view, 0);
  return {
    mode: view.getUint32(at.mode, true),
    inode: view.getBigUint64(at.inode, true),
    rdevMajor: view.getUint32(at.rdevMajor, true),
    rdevMinor: view.getUint32(at.rdevMinor, true),
    relayed: (flags & StatFlag.relayed) !== 0,
    consuming: (flags & StatFlag.consuming) !== 0,
  };
}

/** A file in the reply to OPEN_MANY. */
export interface OpenedName {
  /** Index of the name. */
  at: number;
  /** Its stat, encoded. */
  stat: Uint8Array;
}

/**
 * Decodes the reply to an OPEN_MANY of `names` names that came with `descriptors` descriptors: the
 * opened files, in the descriptors' order.
 * @throws PortholeError SESSION if the reply contradicts itself or does not fit the descriptors
 */
export function decodeOpened(body: Uint8Array, names: number, descriptors: number): OpenedName[] {
  const { size } = FileStatAt;
  if (body.length !== OPENED_SIZE + descriptors * size)
    throw violation(`${body.length} bytes for ${descriptors} open files`);
  const bits = new DataView(body.buffer, body.byteOffset, body.length).getBigUint64(0, true);
  const opened = Array.from({ length: names }, (_, at) => at).filter((at) => (bits >> BigInt(at)) & 1n);
  if (opened.length !== descriptors || bits >> BigInt(names) !== 0n)
    throw violation(`${descriptors} open files that do not match its list of names`);
  return opened.map((at, index) => ({ at, stat: body.subarray(OPENED_SIZE + index * size).subarray(0, size) }));
}

/** Bytes of the bit set of opened names. */
const OPENED_SIZE = 8;

function checkedFlags(view: DataView, from: number): number {
  const flags = view.getUint32(from + FileStatAt.flags, true);
  const zero = view.getUint32(from + FileStatAt.zero, true);
  if ((flags & ~(StatFlag.relayed | StatFlag.birthTime | StatFlag.consuming)) !== 0 || zero !== 0) {
    throw violation(`unknown file flags 0x${flags.toString(16)}`);
  }
  return flags;
}
