import { readFileSync } from "node:fs";
import { signalOf } from "../descriptors/poll.ts";
import { requireStartTime } from "../descriptors/process.ts";
import { isFullId } from "../engines/api/engine-json.ts";
import { HttpStatusError } from "../engines/api/http.ts";
import {
  type ContainerState,
  type RunningContainer,
  resolveContainer,
  type StoppedContainer,
} from "../engines/lookup/resolve.ts";
import { PortholeError } from "../errors.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import { ATTACH_TIMEOUT_MS, type Attachment, type AttachOptions, type StartOptions } from "./agents/attachment.ts";
import { type AgentQuery, connectLive, withAgentLock } from "./agents/registry.ts";
import { NotPreparedError } from "./agents/route-error.ts";
import type { OfflineTarget } from "./offline/offline-target.ts";
import { ensureRunDirectory, MOUNT_POINT, type RunDirectory } from "./run-directory/run-dir.ts";
import { inCurrentState } from "./start/current-state.ts";

const ALL_ROUTES: readonly AgentRoute[] = ["direct", "mount", "sidecar"];

/**
 * Connects to an agent for a container: a live agent, else a new one on the best route. A full id
 * with a live agent needs no request to the engine; a name needs one request.
 * @throws PortholeError TARGET, ATTACH, CANCELLED
 */
export async function attachContainer(name: string, options: AttachOptions): Promise<Attachment> {
  const run = ensureRunDirectory();
  const user = options.user ?? "";
  const wanted = routesOf(options);
  if (isFullId(name)) {
    const live = connectLive(run, { identity: name, generation: undefined, routes: wanted, user });
    if (live !== undefined) return { ...live, run, fresh: false };
  }
  const state = await resolveContainer(name, options.engine, MOUNT_POINT, options.signal);
  return inCurrentState(state, options.signal, (current) => attachInState(current, wanted, run, options));
}

function attachInState(
  state: ContainerState,
  wanted: readonly AgentRoute[],
  run: RunDirectory,
  options: AttachOptions,
): Promise<Attachment> {
  const { running, stopped } = state;
  if (running !== undefined) return attachTo(running, wanted, run, options);
  if (options.runningOnly) throw stopped.obstacle;
  return attachStopped(stopped, wanted, run, options);
}

/** Connects to an agent for the layers of a stopped container. */
async function attachStopped(
  container: StoppedContainer,
  wanted: readonly AgentRoute[],
  run: RunDirectory,
  options: AttachOptions,
): Promise<Attachment> {
  if (options.user) throw container.obstacle;
  const { offlineContainer } = await import("./offline/offline-target.ts");
  try {
    return await attachOffline(offlineContainer(container), wanted, run, options);
  } catch (error) {
    // A proxy before the engine denies events.
    if (!(error instanceof HttpStatusError)) throw error;
    return attachOffline(offlineContainer(container, error.message), wanted, run, options);
  }
}

/** Connects to an agent for an offline target. */
async function attachOffline(
  files: OfflineTarget,
  wanted: readonly AgentRoute[],
  run: RunDirectory,
  options: AttachOptions,
): Promise<Attachment> {
  const { identity, generation } = files;
  const routes: readonly AgentRoute[] = wanted.filter((route) => route !== "mount");
  if (routes.length === 0) throw new NotPreparedError(files.name, { isRunning: false });
  return liveOrNew(run, { identity, generation, routes, user: "" }, options, async (starting) => {
    const { startOffline } = await import("./offline/start-offline.ts");
    return startOffline(files, options.startOn?.filter((route) => routes.includes(route)) ?? routes, run, starting);
  });
}

/**
 * Connects to an agent for the files of an image. Does not pull.
 * @throws PortholeError TARGET, ATTACH, CANCELLED
 */
export async function attachImage(name: string, options: AttachOptions): Promise<Attachment> {
  const [{ resolveImage }, { offlineImage }] = await Promise.all([
    import("../engines/lookup/images.ts"),
    import("./offline/offline-target.ts"),
  ]);
  const image = await resolveImage(name, options.engine, signalOf(options.signal));
  return attachOffline(offlineImage(image), routesOf(options), ensureRunDirectory(), options);
}

/**
 * Connects to an agent for the files of a volume.
 * @throws PortholeError TARGET, ATTACH, CANCELLED
 */
export async function attachVolume(name: string, options: AttachOptions): Promise<Attachment> {
  const [{ resolveVolume }, { offlineVolume }] = await Promise.all([
    import("../engines/lookup/volumes.ts"),
    import("./offline/offline-target.ts"),
  ]);
  const volume = await resolveVolume(name, options.engine, signalOf(options.signal));
  return attachOffline(offlineVolume(volume), routesOf(options), ensureRunDirectory(), options);
}

function routesOf({ route }: AttachOptions): readonly AgentRoute[] {
  return route === undefined ? ALL_ROUTES : [route];
}

/** Connects on one of the routes. */
async function attachTo(
  container: RunningContainer,
  wanted: readonly AgentRoute[],
  run: RunDirectory,
  options: AttachOptions,
): Promise<Attachment> {
  // The pause stops an agent inside the container too.
  const routes = wanted.filter((route) => !(container.paused && route === "mount"));
  const query = { identity: container.id, generation: container.startedAt, routes, user: options.user ?? "" };
  const attached = await liveOrNew(run, query, options, async (starting) => {
    const { startForContainer } = await import("./start/start.ts");
    return startForContainer(container, options.startOn ?? wanted, run, starting);
  });
  return { ...attached, container };
}

/**
 * Connects to an agent for the namespaces of a process, by the direct route.
 * @throws PortholeError TARGET if there is no such process; ATTACH if the kernel denies access;
 * CANCELLED
 */
export async function attachProcess(pid: number, options: AttachOptions): Promise<Attachment> {
  const started = requireStartTime(pid);
  if (options.route !== undefined && options.route !== "direct") {
    throw new PortholeError("USAGE", `pid:${pid}: route '${options.route}' is for containers; use --route direct`);
  }
  const run = ensureRunDirectory();
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
  const key = { identity: `pid-${pid}`, generation: `${started} ${boot}`, route: "direct" as const, user: "" };
  return liveOrNew(run, { ...key, routes: ["direct"] }, options, async (starting) => {
    const { startForProcess } = await import("./start/start.ts");
    return startForProcess(pid, started, key, run, starting);
  });
}

/** Connects to a live agent, or starts one while it holds the target's lock. */
async function liveOrNew(
  run: RunDirectory,
  query: AgentQuery,
  options: AttachOptions,
  start: (options: StartOptions) => Promise<Attachment>,
): Promise<Attachment> {
  const early = connectLive(run, query);
  if (early !== undefined) return { ...early, run, fresh: false };
  const signal = signalOf(options.signal);
  const patience = { timeoutMs: 3 * (options.timeoutMs ?? ATTACH_TIMEOUT_MS), signal };
  return withAgentLock(run, query.identity, patience, async () => {
    const live = connectLive(run, query);
    return live !== undefined ? { ...live, run, fresh: false } : start({ ...options, signal });
  });
}
