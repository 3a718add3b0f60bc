import { existsSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { overlaysFromOutside } from "../../descriptors/files/file-system.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { canEnterNamespaces, startTime } from "../../descriptors/process.ts";
import { connectAt, listenAt } from "../../descriptors/sockets/fd-socket.ts";
import { engineAddress } from "../../engines/api/engine-address.ts";
import type { RunningContainer } from "../../engines/containers/container-state.ts";
import { messageOf, PortholeError, rethrowAtLimit } from "../../errors.ts";
import type { AgentRoute } from "../../protocol/agent-info.ts";
import { endAgentProcess } from "../agents/agent-process.ts";
import { installAgent } from "../agents/agent-program.ts";
import type { AgentKey, AgentRecord } from "../agents/agent-record.ts";
import { ATTACH_TIMEOUT_MS, type Attachment, type StartOptions } from "../agents/attachment.ts";
import { enginePaths } from "../agents/engine-process.ts";
import { isFirstProcess, otherKernelError, otherMachineError } from "../agents/kernel.ts";
import { agentFile, removeAgentFiles, writeRecord } from "../agents/registry.ts";
import { LimitedAccessError, NotPreparedError } from "../agents/route-error.ts";
import type { ConnectedAgent, TimeoutOptions } from "../rendezvous/rendezvous.ts";
import { openRunDirectory, type RunDirectory } from "../run-directory/run-dir.ts";
import { attachDirect } from "./direct.ts";

const DEFAULT_IDLE_SECONDS = 60;

/**
 * Starts an agent for a container on the first of `routes` that works.
 * @throws PortholeError ATTACH with every route's reason; CANCELLED
 */
export async function startForContainer(
  container: RunningContainer,
  routes: readonly AgentRoute[],
  run: RunDirectory,
  options: StartOptions,
): Promise<Attachment> {
  const elsewhere = otherKernelError(container) ?? (await otherMachineError(container, options.signal));
  if (elsewhere !== undefined) throw elsewhere;
  const failures: { route: AgentRoute; error: PortholeError }[] = [];
  for (const route of routes) {
    const obstacle = routeObstacle(route, container, run, options.user ?? "");
    if (obstacle !== undefined) {
      failures.push({ route, error: obstacle });
      continue;
    }
    try {
      return await startOn(route, container, run, options, routes.length > 1);
    } catch (error) {
      if (error instanceof PortholeError && error.code === "CANCELLED") throw error;
      rethrowAtLimit(error);
      failures.push({ route, error: toAttachError(error) });
    }
  }
  // An agent that cannot read files of every owner is better than none.
  if (failures.some(({ error }) => error instanceof LimitedAccessError))
    return startOn("mount", container, run, options, false);
  throw allRoutesFailed(failures);
}

/**
 * Starts a direct agent for the namespaces of a process.
 * @throws PortholeError ATTACH, CANCELLED
 */
export async function startForProcess(
  pid: number,
  started: string,
  key: AgentKey,
  run: RunDirectory,
  options: StartOptions,
): Promise<Attachment> {
  if (!canEnterNamespaces(pid)) throw notAllowed(pid);
  const name = `pid:${pid}`;
  const origin = { ...key, name, engine: "", targetPid: pid };
  return startAgent(run, origin, options, (listen, wait) =>
    attachDirect({ pid, started, name }, listen, idleSecondsOf(options), wait),
  );
}

/** The fields of an agent's record that are known before its start. */
export type AgentOrigin = Pick<AgentRecord, keyof AgentKey | "name" | "engine" | "targetPid"> &
  Partial<Pick<AgentRecord, "layers" | "absent" | "lazyDriver">>;

/**
 * Creates the listening socket, and calls `bring` to start an agent and pass it the socket. Then
 * moves socket and record to their final names and connects. Removes its files if `bring` fails.
 * @throws what `bring` throws; PortholeError ATTACH if the files cannot be written
 */
export async function startAgent(
  run: RunDirectory,
  origin: AgentOrigin,
  options: StartOptions,
  bring: (listen: () => OwnedFd, wait: TimeoutOptions) => Promise<ConnectedAgent & { sidecar?: string }>,
): Promise<Attachment> {
  const file = agentFile(origin);
  // Uses a temporary name until an agent serves the socket: a socket that refuses connections
  // counts as a dead agent's.
  const pending = join(run.agents, `${file}.starting`);
  const directory = openRunDirectory(run.agents);
  let listener: OwnedFd | undefined;
  let met: (ConnectedAgent & { sidecar?: string }) | undefined;
  const listen = () => {
    removeAgentFiles(run, file);
    rmSync(pending, { force: true });
    listener = listenAt(directory, basename(pending), 0o600);
    return listener;
  };
  try {
    const timeoutMs = options.timeoutMs ?? ATTACH_TIMEOUT_MS;
    met = await bring(listen, { timeoutMs, signal: options.signal });
    const { process: agent, sidecar = "" } = met;
    // Closes this process's copy before any client connects. After the agent's death, no client may
    // wait in a backlog that this process keeps open.
    listener?.close();
    const socket = connectAt(directory, basename(pending));
    try {
      renameSync(pending, join(run.agents, `${file}.sock`));
      const created = new Date().toISOString();
      writeRecord(run, { ...origin, sidecar, agentPid: agent.pid, agentStarted: agent.started, created });
    } catch (error) {
      socket.close();
      throw error;
    }
    return { socket, run, file, socketSeen: "", fresh: true };
  } catch (error) {
    rmSync(pending, { force: true });
    removeAgentFiles(run, file);
    // Ends the agent before its idle timeout, because no client can find it.
    if (met !== undefined) endAgentProcess(met.process);
    throw error instanceof PortholeError ? error : notKept(run, error as NodeJS.ErrnoException);
  } finally {
    listener?.close();
    directory.close();
  }
}

/** Returns the error for a full disk, a quota, or a read-only file system. */
function notKept(run: RunDirectory, error: NodeJS.ErrnoException): PortholeError {
  const text = /^\w+: ([^,]*)/.exec(error.message)?.[1] ?? error.message;
  return new PortholeError("ATTACH", `cannot write to ${run.agents}: ${text}`, {
    errno: error.code,
    hint: "free some space, or set XDG_STATE_HOME to another directory",
    cause: error,
  });
}

/**
 * The CRI starts containers only in a pod that it created, and the kubelet would remove that pod.
 */
export function noRouteForPods(): PortholeError {
  return new PortholeError("ATTACH", "only the direct route can read a pod", {
    hint: "run porthole as root on the pod's node",
  });
}

/** Returns why a route is not available; undefined if it can be tried. */
export function routeObstacle(
  route: AgentRoute,
  container: RunningContainer,
  run: RunDirectory,
  user: string,
): PortholeError | undefined {
  const { name, pid, portholeMount } = container;
  const elsewhere = otherKernelError(container);
  if (elsewhere !== undefined) return elsewhere;
  if (container.engine.isCri && route !== "direct") return noRouteForPods();
  if (user !== "" && route !== "mount") return new PortholeError("ATTACH", "--user needs the mount route");
  if (route === "direct") {
    if (!isFirstProcess(container)) return notHere(container);
    // A process that ends just now cannot be entered either.
    if (!canEnterNamespaces(pid)) return startTime(pid) === undefined ? targetEndedError(container) : notAllowed(pid);
    return undefined;
  }
  if (route === "mount") {
    if (portholeMount === undefined) {
      return new NotPreparedError(name);
    }
    if (portholeMount !== run.mount) {
      return new PortholeError("ATTACH", `'${name}' has ${portholeMount} mounted, not ${run.mount}`, {
        hint: "leave out --route mount, or start the container with the output of porthole docker-args of this user",
      });
    }
    if (container.paused)
      return new PortholeError("ATTACH", `'${name}' is paused: no process can start in it`, {
        hint: "unpause it, or leave out --route mount",
      });
  }
  return undefined;
}

function startOn(
  route: AgentRoute,
  container: RunningContainer,
  run: RunDirectory,
  options: StartOptions,
  everyOwner: boolean,
): Promise<Attachment> {
  const user = options.user ?? "";
  const origin: AgentOrigin = {
    identity: container.id,
    generation: container.startedAt,
    route,
    user,
    name: container.name,
    engine: engineAddress(container.engine),
    // A pid that belongs to another local process must not be used to read mounts.
    targetPid: isFirstProcess(container) ? container.pid : 0,
    ...(route === "direct" && { layers: container.layers.roles }),
    ...(container.lazyDriver !== undefined && { lazyDriver: container.lazyDriver }),
  };
  const overlays = origin.targetPid === 0 ? [] : overlaysFromOutside(origin.targetPid);
  return startAgent(run, origin, options, async (listen, wait) => {
    if (route === "direct") {
      const { pid, name } = container;
      const started = startTime(pid);
      // Checked again after the start time is known. From this point on, a reused pid is refused.
      if (started === undefined || !isFirstProcess(container)) throw notHere(container);
      return attachDirect(
        { pid, started, name: `'${name}'`, layers: layersHere(container), overlays },
        listen,
        idleSecondsOf(options),
        wait,
      );
    }
    installAgent(run);
    const how = { ...wait, user, idleSeconds: idleSecondsOf(options), overlays };
    if (route === "mount")
      return (await import("./mount.ts")).attachMount(container, run, listen(), { ...how, everyOwner });
    return (await import("../sidecar/sidecar.ts")).attachSidecar(container, run, listen(), how);
  });
}

/**
 * Returns the directories of a container's layers, for an agent in this process's mount namespace.
 */
function layersHere({ engine, layers: { directories } }: RunningContainer): string[] {
  const [first] = directories;
  if (first === undefined || existsSync(first)) return directories;
  try {
    const paths = enginePaths(engine);
    return paths === undefined ? directories : directories.map(paths.path);
  } catch (error) {
    rethrowAtLimit(error);
    // The agent then cannot open them, and does not know which layer files are from.
    return directories;
  }
}

export function notHere({ name, pid }: RunningContainer): PortholeError {
  return new PortholeError("ATTACH", `process ${pid} of '${name}' is not on this machine`);
}

export function targetEndedError({ name, pid }: RunningContainer): PortholeError {
  return new PortholeError("ATTACH", `process ${pid} of '${name}' has ended`, { hint: "try again" });
}

export function notAllowed(pid: number): PortholeError {
  return new PortholeError("ATTACH", `cannot enter the namespaces of process ${pid}: permission denied`, {
    errno: "EACCES",
    hint: "run as root or as the owner of its user namespace",
  });
}

export function toAttachError(error: unknown): PortholeError {
  if (error instanceof PortholeError) return error;
  return new PortholeError("ATTACH", messageOf(error), { cause: error });
}

export function allRoutesFailed(failures: { route: AgentRoute; error: PortholeError }[]): PortholeError {
  const last = failures.at(-1)?.error;
  if (failures.length === 1 && last !== undefined) return last;
  const text = failures.map(({ route, error }) => `${route}: ${error.message}`).join("; ");
  return new PortholeError("ATTACH", `could not attach by any route: ${text}`, {
    errno: last?.errno,
    hint: last?.hint,
    cause: last,
  });
}

export function idleSecondsOf(options: StartOptions): number {
  return options.idleSeconds ?? DEFAULT_IDLE_SECONDS;
}
