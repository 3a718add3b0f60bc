import { PortholeError } from "../errors.ts";
import { AgentFactsAt, FactsFlag, FileFactsAt, MAX_BUILD_NAME, RouteNumber, VERSION } from "./messages.ts";

/** statx(2) of a file as the agent reports it. Times are nanoseconds since 1970. */
export interface FileFacts {
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

/** Decodes the 120 bytes of file facts at `offset` of `bytes`. */
export function decodeFileFacts(bytes: Uint8Array, offset = 0): FileFacts {
  return factsAt(new DataView(bytes.buffer, bytes.byteOffset + offset, FileFactsAt.size), 0);
}

/** Like {@link decodeFileFacts}, at offset `from` of a view. */
export function factsAt(view: DataView, from: number): FileFacts {
  const at = FileFactsAt;
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
    btime: (flags & FactsFlag.birthTime) !== 0 ? time(at.btime, at.btimeNs) : undefined,
    relayed: (flags & FactsFlag.relayed) !== 0,
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
  const at = FileFactsAt;
  const view = new DataView(bytes.buffer, bytes.byteOffset, at.size);
  const flags = checkedFlags(view, 0);
  return {
    mode: view.getUint32(at.mode, true),
    inode: view.getBigUint64(at.inode, true),
    rdevMajor: view.getUint32(at.rdevMajor, true),
    rdevMinor: view.getUint32(at.rdevMinor, true),
    relayed: (flags & FactsFlag.relayed) !== 0,
    consuming: (flags & FactsFlag.consuming) !== 0,
  };
}

function checkedFlags(view: DataView, from: number): number {
  const flags = view.getUint32(from + FileFactsAt.flags, true);
  const zero = view.getUint32(from + FileFactsAt.zero, true);
  if ((flags & ~(FactsFlag.relayed | FactsFlag.birthTime | FactsFlag.consuming)) !== 0 || zero !== 0) {
    throw new PortholeError("SESSION", `protocol violation: the agent sent unknown file flags 0x${flags.toString(16)}`);
  }
  return flags;
}

/** The route by which an agent reaches its target. */
export type AgentRoute = keyof typeof RouteNumber;

/** The agent's own description in HELLO and ANNOUNCE. */
export interface AgentFacts {
  version: number;
  route: AgentRoute;
  /** In the agent's own PID namespace. */
  pid: number;
  uid: number;
  gid: number;
  capabilities: bigint;
  /** Seconds since 1970. */
  started: number;
  userNamespace: bigint;
  /** Inode of the target's mount namespace; 0 if unknown. */
  mountNamespace: bigint;
  clients: number;
  /** Resident memory of the agent's first process, in KiB. */
  memory: number;
  targetPid: number;
  /** Hash of the agent's sources, hexadecimal. */
  build: string;
}

/**
 * Decodes agent facts from `offset` to the end. Reads only the version of an agent of another
 * version, whose format may differ.
 * @throws PortholeError ATTACH (errno EPROTO) for another version; SESSION for malformed facts
 */
export function decodeAgentFacts(bytes: Uint8Array, offset = 0): AgentFacts {
  const at = AgentFactsAt;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
  const version = view.byteLength < 2 ? VERSION : view.getUint16(at.version, true);
  if (version !== VERSION) throw versionMismatch(version);
  if (view.byteLength < at.size) throw malformed(`${view.byteLength} bytes`);
  const u32 = (position: number) => view.getUint32(position, true);
  const u64 = (position: number) => view.getBigUint64(position, true);
  const buildLength = u32(at.buildLength);
  if (buildLength > MAX_BUILD_NAME || bytes.length !== offset + at.size + buildLength) {
    throw malformed(`${bytes.length - offset} bytes with a build name of ${buildLength}`);
  }
  const build = Buffer.from(bytes.subarray(offset + at.size)).toString("latin1");
  if (!/^[0-9a-z]*$/.test(build)) throw malformed("an invalid build name");
  const number = view.getUint16(at.route, true);
  const route = (Object.keys(RouteNumber) as AgentRoute[]).find((name) => RouteNumber[name] === number);
  if (route === undefined) throw malformed(`route ${number}`);
  return {
    version,
    route,
    pid: u32(at.pid),
    uid: u32(at.uid),
    gid: u32(at.gid),
    capabilities: u64(at.capabilities),
    started: Number(u64(at.start)),
    userNamespace: u64(at.userNamespace),
    mountNamespace: u64(at.mountNamespace),
    clients: u32(at.clients),
    memory: u32(at.memory),
    targetPid: u32(at.targetPid),
    build,
  };
}

function malformed(what: string): PortholeError {
  return new PortholeError("SESSION", `protocol violation: the agent's description has ${what}`);
}

function versionMismatch(theirs: number): PortholeError {
  return new PortholeError("ATTACH", `protocol mismatch: the agent has version ${theirs}, this porthole ${VERSION}`, {
    errno: "EPROTO",
    hint: "run porthole detach --all, then retry",
  });
}
