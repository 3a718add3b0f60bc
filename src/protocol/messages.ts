/** The numbers of docs/protocol.md as data: `porthole-agent --layout` must print {@link layout}. */

/** Protocol version. Host and agent must have the same version. */
export const VERSION = 4;
/** Maximum bytes of a packet, header included. */
export const MAX_PACKET = 65_536;
/** Maximum bytes of a path without its NUL. */
export const MAX_PATH = 4_095;
/** Maximum number of pending requests of a client. */
export const MAX_IN_FLIGHT = 32;
/** Bytes of the one-time token in ANNOUNCE. */
export const TOKEN_BYTES = 32;
/** Maximum number of names in one OPEN_MANY. */
export const MAX_BATCH = 64;
/** Maximum length of a build name in the agent info. */
export const MAX_BUILD_NAME = 64;

/** Set in the type of a reply. */
export const REPLY = 0x8000;

/** Message numbers. */
export const Op = {
  hello: 1,
  announce: 2,
  serve: 3,
  open: 4,
  stat: 5,
  readlink: 6,
  list: 7,
  watch: 8,
  processes: 9,
  openProcessFd: 10,
  mounts: 11,
  bye: 12,
  relayEnd: 13,
  openMany: 14,
  tree: 15,
  layer: 16,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** Flags of OPEN (and, where docs/protocol.md says so, STAT and OPEN_PROCESS_FD). */
export const OpenFlag = { write: 1, noFollow: 2, directory: 4, relay: 8, consume: 16 } as const;
/** Flags of LIST. */
export const ListFlag = { stat: 1 } as const;
/** Flags of PROCESSES. */
export const ProcessesFlag = { files: 1 } as const;
/** Flags of SERVE. */
export const ServeFlag = { witness: 1 } as const;
/** Flags of TREE. */
export const TreeFlag = { write: 1, allMounts: 2 } as const;
/** Flags of WATCH. */
export const WatchFlag = { remove: 1, noFollow: 2 } as const;
/** Scopes of BYE. */
export const ByeScope = { session: 0, agent: 1 } as const;
/** Flags in a file stat. */
export const StatFlag = { relayed: 1, birthTime: 2, consuming: 4 } as const;
/** Route numbers in the agent info. */
export const RouteNumber = { mount: 1, sidecar: 2, direct: 3 } as const;
/** Record kinds in a pipe. */
export const RecordKind = { entry: 1, process: 2, file: 3, mapping: 4, trailer: 255 } as const;

/** Offsets in the header. */
export const Header = { size: 16, type: 0, descriptors: 2, id: 4, error: 8, length: 12 } as const;

/** Offsets in the agent info; `size` is the fixed part. */
export const AgentInfoAt = {
  size: 64,
  version: 0,
  route: 2,
  pid: 4,
  uid: 8,
  gid: 12,
  capabilities: 16,
  start: 24,
  userNamespace: 32,
  mountNamespace: 40,
  clients: 48,
  memory: 52,
  targetPid: 56,
  buildLength: 60,
} as const;

/** Offsets in a file stat. */
export const FileStatAt = {
  size: 120,
  mode: 0,
  links: 4,
  uid: 8,
  gid: 12,
  bytes: 16,
  blocks: 24,
  inode: 32,
  deviceMajor: 40,
  deviceMinor: 44,
  rdevMajor: 48,
  rdevMinor: 52,
  mountId: 56,
  atime: 64,
  mtime: 72,
  ctime: 80,
  btime: 88,
  atimeNs: 96,
  mtimeNs: 100,
  ctimeNs: 104,
  btimeNs: 108,
  flags: 112,
  zero: 116,
} as const;

/** Offsets in a pipe record; variable parts follow `size`. */
export const RecordAt = { size: 8, length: 0, kind: 4, flags: 6 } as const;
export const EntryAt = { size: 20, error: 8, type: 12, nameLength: 14, linkLength: 16 } as const;
export const ProcessAt = {
  size: 40,
  pid: 8,
  parent: 12,
  uid: 16,
  error: 20,
  start: 24,
  commandLength: 32,
  argumentsLength: 34,
} as const;
export const ProcessFileAt = { size: 146, fd: 8, access: 12, position: 16, stat: 24, linkLength: 144 } as const;
export const MappingAt = {
  size: 38,
  access: 8,
  deviceMajor: 12,
  deviceMinor: 16,
  inode: 20,
  bytes: 28,
  linkLength: 36,
} as const;
export const TrailerAt = { size: 20, error: 8, records: 12 } as const;

const tables = {
  op: Op,
  open_flag: OpenFlag,
  list_flag: ListFlag,
  processes_flag: ProcessesFlag,
  serve_flag: ServeFlag,
  tree_flag: TreeFlag,
  watch_flag: WatchFlag,
  bye_scope: ByeScope,
  stat_flag: StatFlag,
  route: RouteNumber,
  record_kind: RecordKind,
  header: Header,
  agent_info: AgentInfoAt,
  file_stat: FileStatAt,
  record: RecordAt,
  entry: EntryAt,
  process: ProcessAt,
  process_file: ProcessFileAt,
  mapping: MappingAt,
  trailer: TrailerAt,
};

/**
 * Every number of the wire format as sorted `table.name value` lines, like `porthole-agent
 * --layout`.
 */
export function layout(): string[] {
  const lines = [
    `version ${VERSION}`,
    `max_packet ${MAX_PACKET}`,
    `max_path ${MAX_PATH}`,
    `token_bytes ${TOKEN_BYTES}`,
    `max_build_name ${MAX_BUILD_NAME}`,
    `max_batch ${MAX_BATCH}`,
    `reply ${REPLY}`,
  ];
  for (const [table, values] of Object.entries(tables)) {
    for (const [name, value] of Object.entries(values)) lines.push(`${table}.${name} ${value}`);
  }
  return lines.sort();
}
