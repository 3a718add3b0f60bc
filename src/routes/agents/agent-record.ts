import { isFullId } from "../../engines/api/engine-json.ts";
import type { LayerRole, MissingPath } from "../../engines/layers/layers.ts";
import type { AgentRoute } from "../../protocol/agent-info.ts";

/**
 * Identifies what an agent serves. An id is not enough: it survives a restart, and the agent's root
 * would show the files of the earlier run.
 */
export interface AgentKey {
  /**
   * Container or image id (64 hexadecimal digits), a hash of a volume's engine and name, or
   * `pid-N`.
   */
  identity: string;
  /**
   * The container's StartedAt, or the process's start time in clock ticks and the boot id. For an
   * offline target: `stopped` and the container's FinishedAt, `image`, or `volume` and its creation
   * time.
   */
  generation: string;
  route: AgentRoute;
  /** `--user` of the mount route; otherwise empty. */
  user: string;
}

/** The record of an agent, stored next to its socket. */
export interface AgentRecord extends AgentKey {
  /** Container name when the agent was started, or `pid:N`. */
  name: string;
  /**
   * The engine's address: its Unix socket, with the prefix `cri:` on a Kubernetes node; empty for a
   * process.
   */
  engine: string;
  /** Host pid of the target's first process; 0 if unknown. */
  targetPid: number;
  /** Id of the sidecar container; empty on other routes. */
  sidecar: string;
  /**
   * The agent's process on this machine, to end an agent of another version; 0 and empty if
   * unknown.
   */
  agentPid: number;
  agentStarted: string;
  /** ISO 8601. */
  created: string;
  /** Roles of the root's layers, uppermost first; missing if unknown. */
  layers?: LayerRole[] | undefined;
  /** Paths whose content no longer exists. */
  absent?: MissingPath[] | undefined;
  /**
   * The target's storage driver if a read may wait for a program. The agent then relays its files.
   */
  lazyDriver?: string | undefined;
}

/**
 * Decodes a record; undefined if any field is invalid. A record names a process to signal and a
 * socket to connect to.
 */
export function decodeRecord(value: unknown): AgentRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const {
    identity,
    generation,
    route,
    user,
    name,
    engine,
    targetPid,
    sidecar,
    agentPid,
    agentStarted,
    created,
    layers,
    absent,
    lazyDriver,
  } = value as { [Field in keyof AgentRecord]?: unknown };
  if (!isIdentity(identity) || !isText(generation) || !isRoute(route) || !isText(user) || !isText(name))
    return undefined;
  if (!isEngine(engine) || !isPid(targetPid) || !isSidecar(sidecar) || !isPid(agentPid)) return undefined;
  if (!isText(agentStarted) || !isText(created) || !isListOf(layers, isLayer) || !isListOf(absent, isAbsent))
    return undefined;
  if (lazyDriver !== undefined && !isText(lazyDriver)) return undefined;
  return {
    ...{ identity, generation, route, user, name, engine, targetPid, sidecar, agentPid, agentStarted, created },
    ...(layers !== undefined && { layers }),
    ...(absent !== undefined && { absent }),
    ...(lazyDriver !== undefined && { lazyDriver }),
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** True for a list of valid items, and for undefined. */
function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is T[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every(isOne));
}

function isLayer(value: unknown): value is LayerRole {
  const { kind, number, count } = (value ?? {}) as { [Field in keyof LayerRole]?: unknown };
  return LAYER_KINDS.has(kind) && Number.isSafeInteger(number) && Number.isSafeInteger(count);
}

const LAYER_KINDS = new Set<unknown>(["container", "mounts", "image", "copy", "volume"] satisfies LayerRole["kind"][]);

function isAbsent(value: unknown): value is MissingPath {
  const { path, why } = (value ?? {}) as { [Field in keyof MissingPath]?: unknown };
  return isText(path) && isText(why);
}

function isIdentity(value: unknown): value is string {
  return isText(value) && (isFullId(value) || /^pid-\d+$/.test(value));
}

function isRoute(value: unknown): value is AgentRoute {
  return value === "direct" || value === "mount" || value === "sidecar";
}

/** Accepts an address from engineAddress; empty for a target without an engine. */
function isEngine(value: unknown): value is string {
  return isText(value) && (value === "" || value.startsWith("/") || value.startsWith("cri:/"));
}

function isSidecar(value: unknown): value is string {
  return isText(value) && (value === "" || isFullId(value));
}

function isPid(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && (value | 0) === value;
}
