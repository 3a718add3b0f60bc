import { readFileSync } from "node:fs";
import { connectAt, listenAt } from "../descriptors/fd-socket.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { PortholeError } from "../errors.ts";
import type { AgentFacts, AgentRoute } from "../protocol/facts.ts";
import { attachDirect, mayEnter, startTime } from "./direct.ts";
import {
  type AgentKey,
  type AgentRecord,
  agentFile,
  connectLive,
  removeAgentFiles,
  withAgentLock,
  writeRecord,
} from "./registry.ts";
import { type Container, isFullId, resolveContainer } from "./resolve.ts";
import { ensureRunDirectory, installAgent, MOUNT_POINT, openRunDirectory, type RunDirectory } from "./run-dir.ts";

/** How to get to a target. */
export interface AttachOptions {
  /** Address of the engine; without it DOCKER_HOST, docker's context and the default sockets. */
  engine?: string | undefined;
  /** One route only. Without it: a live agent, else direct, mount, sidecar, whichever is the first that goes. */
  route?: AgentRoute | undefined;
  /** User for the mount route (`docker exec --user`); root by default. */
  user?: string | undefined;
  /** Seconds without a client after which the agent ends; 60 by default. */
  idleSeconds?: number | undefined;
  /** Milliseconds for starting an agent; 15,000 by default. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A connection to an agent that serves the target. */
export interface Attached {
  /** The caller owns it. */
  socket: OwnedFd;
  run: RunDirectory;
  /** Name of the agent's files in the run directory. */
  file: string;
  /** True when the agent was started for this call. */
  fresh: boolean;
}

const DEFAULT_IDLE_SECONDS = 60;
const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * Connects to an agent for a container: a live one where there is one, else started on the best route. A full id whose agent lives needs no
 * request to the engine, a name needs one.
 * @throws PortholeError TARGET, ATTACH, CANCELLED
 */
export async function attachContainer(name: string, options: AttachOptions): Promise<Attached> {
  const run = ensureRunDirectory();
  const user = options.user ?? "";
  if (isFullId(name)) {
    const live = connectLive(run, { identity: name, generation: undefined, routes: wanted(options), user });
    if (live !== undefined) return { ...live, run, fresh: false };
  }
  const container = await resolveContainer(name, options.engine, MOUNT_POINT);
  const routes = wanted(options).filter((route) => !(container.paused && route === "mount"));
  const query = { identity: container.id, generation: container.startedAt, routes, user };
  return attach(run, query, options, async (report) => {
    for (const route of wanted(options)) {
      const obstacle = obstacleTo(route, container, run, user);
      if (obstacle !== undefined) report(route, obstacle);
      else {
        try {
          return await startForContainer(route, container, run, options);
        } catch (error) {
          report(route, error);
        }
      }
    }
    return undefined;
  });
}

/**
 * Connects to an agent for the namespaces of a process, by the direct route.
 * @throws PortholeError TARGET when there is no such process; ATTACH when the kernel does not let us in; CANCELLED
 */
export async function attachProcess(pid: number, options: AttachOptions): Promise<Attached> {
  const started = startTime(pid);
  const name = `pid:${pid}`;
  if (started === undefined) throw new PortholeError("TARGET", `no such process: ${pid}`, { errno: "ESRCH" });
  if (options.route !== undefined && options.route !== "direct") {
    throw new PortholeError("USAGE", `${name} can be reached by the direct route only, not by '${options.route}'`);
  }
  const run = ensureRunDirectory();
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  const key: AgentKey = { identity: `pid-${pid}`, generation: `${started} ${boot}`, route: "direct", user: "" };
  return attach(run, { ...key, routes: ["direct"] }, options, async (report) => {
    try {
      if (!mayEnter(pid)) throw notAllowed(pid);
      const record = { ...key, name, engine: "", targetPid: pid, sidecar: "", created: new Date().toISOString() };
      return await startAgent(run, record, options, (listener, wait) =>
        attachDirect({ pid, started, name }, listener, idle(options), wait).then((facts) => ({ facts, sidecar: "" })),
      );
    } catch (error) {
      report("direct", error);
      return undefined;
    }
  });
}

type Report = (route: AgentRoute, failure: unknown) => void;

async function attach(
  run: RunDirectory,
  query: Parameters<typeof connectLive>[1],
  options: AttachOptions,
  startOne: (report: Report) => Promise<Attached | undefined>,
): Promise<Attached> {
  const early = connectLive(run, query);
  if (early !== undefined) return { ...early, run, fresh: false };
  const lockName = `${query.identity.slice(0, 16)}.attach`;
  return withAgentLock(run, lockName, 3 * timeout(options), async () => {
    const live = connectLive(run, query);
    if (live !== undefined) return { ...live, run, fresh: false };
    const failures: { route: AgentRoute; error: unknown }[] = [];
    const attached = await startOne((route, error) => {
      if (error instanceof PortholeError && error.code === "CANCELLED") throw error;
      failures.push({ route, error });
    });
    if (attached !== undefined) return attached;
    throw allFailed(failures);
  });
}

/** Why a route cannot be tried at all, undefined when it can. */
function obstacleTo(
  route: AgentRoute,
  container: Container,
  run: RunDirectory,
  user: string,
): PortholeError | undefined {
  if (user !== "" && route !== "mount") return new PortholeError("ATTACH", "--user needs the mount route");
  if (route === "direct") {
    if (container.pid <= 0 || startTime(container.pid) === undefined) {
      return new PortholeError("ATTACH", `process ${container.pid} of '${container.name}' is not on this machine`);
    }
    return mayEnter(container.pid) ? undefined : notAllowed(container.pid);
  }
  if (route === "mount") {
    if (container.portholeMount === undefined) {
      return new PortholeError("ATTACH", `'${container.name}' was started without porthole's directory`, {
        hint: "docker run $(porthole docker-args) IMAGE",
      });
    }
    if (container.portholeMount !== run.mount) {
      return new PortholeError(
        "ATTACH",
        `'${container.name}' has ${container.portholeMount} mounted, not ${run.mount}`,
      );
    }
    if (container.paused)
      return new PortholeError("ATTACH", `'${container.name}' is paused, so nothing can be started in it`);
  }
  return undefined;
}

function notAllowed(pid: number): PortholeError {
  return new PortholeError(
    "ATTACH",
    `the kernel does not let this user into the namespaces of process ${pid}: permission denied`,
    {
      errno: "EACCES",
      hint: "run as root or as the owner of its user namespace",
    },
  );
}

async function startForContainer(
  route: AgentRoute,
  container: Container,
  run: RunDirectory,
  options: AttachOptions,
): Promise<Attached> {
  const record: AgentRecord = {
    identity: container.id,
    generation: container.startedAt,
    route,
    user: options.user ?? "",
    name: container.name,
    engine: container.engine.socketPath,
    targetPid: container.pid,
    sidecar: "",
    created: new Date().toISOString(),
  };
  return startAgent(run, record, options, async (listener, wait) => {
    if (route === "direct") {
      const started = startTime(container.pid) ?? "0";
      const facts = await attachDirect(
        { pid: container.pid, started, name: `'${container.name}'` },
        listener,
        idle(options),
        wait,
      );
      return { facts, sidecar: "" };
    }
    installAgent(run);
    const { attachMount, attachSidecar } = await import("./docker.ts");
    const through = route === "mount" ? attachMount : attachSidecar;
    return through(container, run, listener, { ...wait, user: options.user ?? "", idleSeconds: idle(options) });
  });
}

/**
 * Makes the listening socket and the record, lets `bring` start an agent and hand the socket over to it, and connects to it. When `bring` fails
 * nothing is left of it here.
 */
export async function startAgent(
  run: RunDirectory,
  record: AgentRecord,
  options: AttachOptions,
  bring: (
    listener: OwnedFd,
    wait: { timeoutMs: number; signal: AbortSignal | undefined },
  ) => Promise<{ facts: AgentFacts; sidecar: string }>,
): Promise<Attached> {
  const file = agentFile(record);
  const directory = openRunDirectory(run.agents);
  let listener: OwnedFd | undefined;
  try {
    removeAgentFiles(run, file);
    writeRecord(run, record);
    listener = listenAt(directory, `${file}.sock`, 0o600);
    const { sidecar } = await bring(listener, { timeoutMs: timeout(options), signal: options.signal });
    if (sidecar !== "") writeRecord(run, { ...record, sidecar });
    // Ours must go before we connect: an agent that dies must leave nobody waiting in a backlog that we hold open.
    listener.close();
    return { socket: connectAt(directory, `${file}.sock`), run, file, fresh: true };
  } catch (error) {
    removeAgentFiles(run, file);
    throw error;
  } finally {
    listener?.close();
    directory.close();
  }
}

function allFailed(failures: { route: AgentRoute; error: unknown }[]): PortholeError {
  const errors = failures.map(({ error }) =>
    error instanceof PortholeError ? error : new PortholeError("ATTACH", String(error), { cause: error }),
  );
  const [only] = errors;
  if (errors.length === 1 && only !== undefined) return only;
  const text = failures.map(({ route }, index) => `${route}: ${(errors[index] as PortholeError).message}`).join("; ");
  const last = errors.at(-1);
  return new PortholeError("ATTACH", `no route goes: ${text}`, { errno: last?.errno, hint: last?.hint, cause: last });
}

function wanted(options: AttachOptions): AgentRoute[] {
  return options.route === undefined ? ["direct", "mount", "sidecar"] : [options.route];
}

function idle(options: AttachOptions): number {
  return options.idleSeconds ?? DEFAULT_IDLE_SECONDS;
}

function timeout(options: AttachOptions): number {
  return options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
}
