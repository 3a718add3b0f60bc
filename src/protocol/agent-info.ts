import { PortholeError } from "../errors.ts";
import { AgentInfoAt, MAX_BUILD_NAME, RouteNumber, VERSION } from "./messages.ts";

/** The route by which an agent reaches its target. */
export type AgentRoute = keyof typeof RouteNumber;

/** The agent's own description in HELLO and ANNOUNCE. */
export interface AgentInfo {
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

/** ATTACH (errno EPROTO): the agent has another version of the protocol. */
export class OtherVersionError extends PortholeError {
  /**
   * @param version the agent's version
   * @param clients number of its sessions, including the refused one; NaN if the reply has none
   */
  constructor(
    readonly version: number,
    readonly clients: number,
  ) {
    super("ATTACH", `protocol mismatch: the agent has version ${version}, this porthole ${VERSION}`, {
      errno: "EPROTO",
      hint: "run porthole detach --all, then retry",
    });
  }
}

/** An agent serves fewer clients only at a limit of processes. */
const MAX_CLIENTS = 64;
const LIMITED = "it started with a low limit of processes: end it with porthole detach, raise ulimit -u, then retry";

/** ATTACH (errno EUSERS): the agent lives, but has no room for another client. */
export class FullAgentError extends PortholeError {
  /** @param info the agent's description; undefined if its queue is full as well */
  constructor(readonly info?: AgentInfo) {
    super("ATTACH", `the agent serves ${info?.clients ?? "many"} clients and has no room for another`, {
      errno: "EUSERS",
      hint: (info?.clients ?? MAX_CLIENTS) < MAX_CLIENTS ? LIMITED : "end one of them, then retry",
    });
  }
}

/**
 * Decodes an agent info from `offset` to the end.
 * @param expected the version that the host sent in HELLO
 * @throws OtherVersionError; PortholeError SESSION for malformed info
 */
export function decodeAgentInfo(bytes: Uint8Array, offset = 0, expected = VERSION): AgentInfo {
  const at = AgentInfoAt;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
  const version = view.byteLength < 2 ? expected : view.getUint16(at.version, true);
  if (version !== expected) {
    throw new OtherVersionError(version, view.byteLength < at.size ? Number.NaN : view.getUint32(at.clients, true));
  }
  if (view.byteLength < at.size) throw malformed(`${view.byteLength} bytes`);
  const u32 = (position: number) => view.getUint32(position, true);
  const u64 = (position: number) => view.getBigUint64(position, true);
  const buildLength = u32(at.buildLength);
  if (buildLength > MAX_BUILD_NAME || bytes.length !== offset + at.size + buildLength) {
    throw malformed(`${bytes.length - offset} bytes with a build name of ${buildLength}`);
  }
  const build = String.fromCharCode(...bytes.subarray(offset + at.size));
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
