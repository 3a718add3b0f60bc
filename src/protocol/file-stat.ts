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
  /** The device that the file is, for a character or block device. */
  rdev: { major: number; minor: number };
  /** Mount id as in the first field of mountinfo (proc_pid_mountinfo(5)). */
  mountId: bigint;
  atime: bigint;
  mtime: bigint;
  ctime: bigint;
  /** Birth time, if the file system stores it. */
  btime: bigint | undefined;
  /**
   * The descriptor is a pipe into which the agent copies the file: docs/protocol.md, "Relayed
   * files".
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
  const u32 = (position: number) => view.getUint32(from + position, true);
  const u64 = (position: number) => view.getBigUint64(from + position, true);
  const time = (seconds: number, ns: number) =>
    view.getBigInt64(from + seconds, true) * 1_000_000_000n + BigInt(u32(ns));
  const flags = checkedFlags(view, from);
  return {
    mode: u32(at.mode),
    links: u32(at.links),
    uid: u32(at.uid),
    gid: u32(at.gid),
    size: u64(at.bytes),
    blocks: u64(at.blocks),
    inode: u64(at.inode),
    device: { major: u32(at.deviceMajor), minor: u32(at.deviceMinor) },
    rdev: { major: u32(at.rdevMajor), minor: u32(at.rdevMinor) },
    mountId: u64(at.mountId),
    atime: time(at.atime, at.atimeNs),
    mtime: time(at.mtime, at.mtimeNs),
    ctime: time(at.ctime, at.ctimeNs),
    btime: (flags & StatFlag.birthTime) !== 0 ? time(at.btime, at.btimeNs) : undefined,
    relayed: (flags & StatFlag.relayed) !== 0,
  };
}

/** The agent's claim about an opened file, as far as a descriptor can be checked against it. */
export interface FileClaim {
  mode: number;
  inode: bigint;
  rdevMajor: number;
  rdevMinor: number;
  relayed: boolean;
  /** Not opened, because reading would consume data. */
  consuming: boolean;
}

/** Decodes only what a descriptor is checked against. Throws SESSION for unknown flags. */
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
 * @throws PortholeError SESSION when the reply contradicts itself, or the descriptors
 */
export function decodeOpened(body: Uint8Array, names: number, descriptors: number): OpenedName[] {
  const { size } = FileStatAt;
  if (body.length !== OPENED_SIZE + descriptors * size)
    throw violation(`${body.length} bytes for ${descriptors} open files`);
  const bits = new DataView(body.buffer, body.byteOffset, body.length).getBigUint64(0, true);
  const opened = Array.from({ length: names }, (_, at) => at).filter((at) => (bits >> BigInt(at)) & 1n);
  if (opened.length !== descriptors || bits >> BigInt(names) !== 0n)
    throw violation(`${descriptors} open files that are not the ones it names`);
  return opened.map((at, index) => ({ at, stat: body.subarray(OPENED_SIZE + index * size).subarray(0, size) }));
}

/** The bits that say which names were opened. */
const OPENED_SIZE = 8;

function checkedFlags(view: DataView, from: number): number {
  const flags = view.getUint32(from + FileStatAt.flags, true);
  const zero = view.getUint32(from + FileStatAt.zero, true);
  if ((flags & ~(StatFlag.relayed | StatFlag.birthTime | StatFlag.consuming)) !== 0 || zero !== 0) {
    throw violation(`unknown file flags 0x${flags.toString(16)}`);
  }
  return flags;
}
