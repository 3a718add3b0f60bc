import type { MissingPath } from "../engines/layers.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";

/** What an agent serves. An id alone is not enough: it survives a restart, a kept root would show the life before. */
export interface AgentKey {
  /** Id of the container or image (64 hexadecimal digits), a hash of the volume's engine and name, or `pid-N`. */
  identity: string;
  /**
   * The container's StartedAt, or the process's start time in clock ticks and the boot's id. Of what does not run its kind comes first: `stopped` and the
   * container's FinishedAt, `image`, `volume` and when it was made.
   */
  generation: string;
  route: AgentRoute;
  /** `--user` of the mount route, else empty. */
  user: string;
}

/** What is kept beside an agent's socket. */
export interface AgentRecord extends AgentKey {
  /** Container name when the agent was started, or `pid:N`. */
  name: string;
  /** Unix socket of the engine, empty for a process target. */
  engine: string;
  /** Host pid of the target's first process; 0 where it is not known. */
  targetPid: number;
  /** Id of the sidecar container, empty on other routes. */
  sidecar: string;
  /** The agent's process on this machine, to end one that does not understand us; 0 and empty where it is not known. */
  agentPid: number;
  agentStarted: string;
  /** ISO 8601. */
  created: string;
  /** What the layers are of which the root is made, the uppermost first; missing where the target runs. */
  layers?: string[] | undefined;
  /** Places of which nothing is left. */
  absent?: MissingPath[] | undefined;
}

/** Decodes a record; undefined for what is none: a field of it names a process to signal, another a socket to talk to. */
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
  } = value as { [Field in keyof AgentRecord]?: unknown };
  if (!isIdentity(identity) || !isText(generation) || !isRoute(route) || !isText(user) || !isText(name))
    return undefined;
  if (!isPath(engine) || !isPid(targetPid) || !isSidecar(sidecar) || !isPid(agentPid)) return undefined;
  if (!isText(agentStarted) || !isText(created) || !isListOf(layers, isText) || !isListOf(absent, isAbsent))
    return undefined;
  return {
    ...{ identity, generation, route, user, name, engine, targetPid, sidecar, agentPid, agentStarted, created },
    ...(layers !== undefined && { layers }),
    ...(absent !== undefined && { absent }),
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Also for a missing one. */
function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is T[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every(isOne));
}

function isAbsent(value: unknown): value is MissingPath {
  const { path, why } = (value ?? {}) as { [Field in keyof MissingPath]?: unknown };
  return isText(path) && isText(why);
}

function isIdentity(value: unknown): value is string {
  return isText(value) && /^([0-9a-f]{64}|pid-\d+)$/.test(value);
}

function isRoute(value: unknown): value is AgentRoute {
  return value === "direct" || value === "mount" || value === "sidecar";
}

/** Of a socket; none for the target that no engine has. */
function isPath(value: unknown): value is string {
  return isText(value) && (value === "" || value.startsWith("/"));
}

function isSidecar(value: unknown): value is string {
  return isText(value) && /^([0-9a-f]{64})?$/.test(value);
}

function isPid(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && (value | 0) === value;
}
