import { PortholeError } from "../errors.ts";
import { ask, type Engine, type EngineAnswer, engines } from "./engine.ts";

/** A running container, as its engine describes it: everything that choosing and taking a route needs, from one request. */
export interface Container {
  engine: Engine;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** State.StartedAt: tells two lives of one id apart. */
  startedAt: string;
  /** Host pid of its first process. */
  pid: number;
  paused: boolean;
  /** HostConfig.PidMode: empty, `host`, or `container:ID`. */
  pidMode: string;
  usernsMode: string;
  privileged: boolean;
  /** True when the engine is Podman. */
  isPodman: boolean;
  /** What HostConfig says of devices, passed on to a sidecar as it is. */
  devices: unknown[];
  deviceCgroupRules: string[];
  /** Host directory mounted at `/run/porthole`, when there is one. */
  portholeMount: string | undefined;
}

/** A full container id: the engine need not be asked when an agent for it lives. */
export function isFullId(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/**
 * Finds a container by name, id prefix or Compose service, with one request where the first two fit.
 * @throws PortholeError TARGET when there is none, several, it is not running, or no engine answers; CANCELLED through the signal
 */
export async function resolveContainer(
  name: string,
  explicitEngine: string | undefined,
  mountPoint: string,
  signal?: AbortSignal,
): Promise<Container> {
  const candidates = engines(explicitEngine);
  if (candidates.length === 0) {
    throw new PortholeError(
      "TARGET",
      `no container engine to ask for '${name}': neither Docker's nor Podman's socket is there`,
      {
        hint: "start one, name one with --engine or DOCKER_HOST, or use pid:N:PATH",
      },
    );
  }
  const answers = await Promise.allSettled(candidates.map((engine) => inspect(engine, name, signal)));
  const found: { engine: Engine; answer: Inspection }[] = [];
  const failures: unknown[] = [];
  answers.forEach((answer, index) => {
    if (answer.status === "rejected") failures.push(answer.reason);
    else if (answer.value !== undefined) {
      // Two sockets may lead to one engine: podman-docker links Docker's default one to Podman's.
      const { Id } = answer.value;
      if (!found.some((other) => other.answer.Id === Id)) {
        found.push({ engine: candidates[index] as Engine, answer: answer.value });
      }
    }
  });
  const first = found[0];
  if (first === undefined) {
    if (failures.length > 0) throw failures[0];
    throw new PortholeError("TARGET", `no such container: '${name}'`, { hint: "see docker ps" });
  }
  if (found.length > 1) {
    throw new PortholeError(
      "TARGET",
      `'${name}' is a container of several engines: ${found.map((f) => f.engine.socketPath).join(", ")}`,
      {
        hint: "choose one with --engine",
      },
    );
  }
  return running(first.engine, first.answer, name, mountPoint);
}

/**
 * A container that its engine has listed, by its full id.
 * @throws PortholeError TARGET when it is gone or not running, or its engine does not answer; CANCELLED through the signal
 */
export async function describeContainer(
  engine: Engine,
  id: string,
  mountPoint: string,
  signal?: AbortSignal,
): Promise<Container> {
  const inspection = await inspect(engine, id, signal);
  if (inspection === undefined) throw new PortholeError("TARGET", `no such container: '${id.slice(0, 12)}'`);
  return running(engine, inspection, id, mountPoint);
}

/** What porthole reads of GET /containers/ID/json; every field may be missing or odd, for engines differ. */
interface Inspection {
  Id?: string;
  Name?: string;
  State?: {
    Status?: string;
    Running?: boolean;
    Paused?: boolean;
    Restarting?: boolean;
    Pid?: number;
    StartedAt?: string;
  };
  HostConfig?: {
    PidMode?: string;
    UsernsMode?: string;
    Privileged?: boolean;
    Devices?: unknown[] | null;
    DeviceCgroupRules?: string[] | null;
  };
  /** Not of the engine's: who answered. */
  isPodman?: boolean;
  Mounts?: { Destination?: string; Source?: string }[] | null;
}

async function inspect(engine: Engine, name: string, signal?: AbortSignal): Promise<Inspection | undefined> {
  const answer = await ask(engine, `/containers/${encodeURIComponent(name)}/json`, { signal });
  if (answer.status === 200) return { ...(answer.body as Inspection), isPodman: answer.isPodman };
  if (answer.status !== 404) throw refused(engine, name, answer);
  const id = await composeService(engine, name, signal);
  if (id === undefined) return undefined;
  const second = await ask(engine, `/containers/${id}/json`, { signal });
  return second.status === 200 ? { ...(second.body as Inspection), isPodman: second.isPodman } : undefined;
}

/** The id of the one container of the Compose service `name`. */
async function composeService(engine: Engine, name: string, signal?: AbortSignal): Promise<string | undefined> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.service=${name}`] }));
  const answer = await ask(engine, `/containers/json?filters=${filters}`, { signal });
  if (answer.status !== 200 || !Array.isArray(answer.body)) return undefined;
  const list = answer.body as { Id: string; Names?: string[] }[];
  if (list.length > 1) {
    const names = list.map((container) => (container.Names?.[0] ?? container.Id.slice(0, 12)).replace(/^\//, ""));
    throw new PortholeError(
      "TARGET",
      `the Compose service '${name}' has ${list.length} containers: ${names.join(", ")}`,
      {
        hint: "name one of them",
      },
    );
  }
  return list[0]?.Id;
}

function refused(engine: Engine, name: string, answer: EngineAnswer): PortholeError {
  const message = (answer.body as { message?: unknown } | undefined)?.message;
  const text = typeof message === "string" ? message : `HTTP status ${answer.status}`;
  return new PortholeError("TARGET", `the engine at ${engine.socketPath} cannot tell about '${name}': ${text}`);
}

function running(engine: Engine, inspection: Inspection, name: string, mountPoint: string): Container {
  const { Id: id, State: state, HostConfig: host } = inspection;
  if (typeof id !== "string" || !isFullId(id) || state === undefined) {
    throw new PortholeError(
      "TARGET",
      `the engine at ${engine.socketPath} describes '${name}' in a form that is not Docker's`,
    );
  }
  const shown = (inspection.Name ?? name).replace(/^\//, "");
  if (!state.Running && !state.Paused) {
    throw new PortholeError("TARGET", `container '${shown}' is not running (${state.Status ?? "stopped"})`, {
      hint: `docker start ${shown}`,
    });
  }
  if (state.Restarting)
    throw new PortholeError("TARGET", `container '${shown}' is restarting`, { hint: "try again in a moment" });
  return {
    engine,
    id,
    name: shown,
    startedAt: state.StartedAt ?? "",
    pid: state.Pid ?? 0,
    paused: state.Paused === true,
    pidMode: host?.PidMode ?? "",
    usernsMode: host?.UsernsMode ?? "",
    privileged: host?.Privileged === true,
    isPodman: inspection.isPodman === true,
    devices: host?.Devices ?? [],
    deviceCgroupRules: host?.DeviceCgroupRules ?? [],
    portholeMount: inspection.Mounts?.find((mount) => mount.Destination === mountPoint)?.Source,
  };
}
