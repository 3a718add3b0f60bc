import type { WaitOptions } from "../../descriptors/poll.ts";
import { PortholeError } from "../../errors.ts";
import { AmbiguousNameError, askEngines, isNotFound, type NotFoundError } from "../api/ask-engines.ts";
import { criEngines } from "../api/cri-sockets.ts";
import type { Engine } from "../api/engine-address.ts";
import type { ContainerState } from "../containers/container-state.ts";
import type { Inspection } from "../containers/inspection.ts";
import type { OutputContainer } from "../containers/output-record.ts";
import { type PodContainer, podTarget } from "../containers/pod-container.ts";
import { type Layers, lazyDriverNamed, withDirectories } from "../layers/layers.ts";
import { chooseContainer, noContainer } from "./choose-container.ts";
import { CriRuntime, isWithoutCri, type PodContainerStatus } from "./runtime.ts";

/** A container with everything that its runtime reports. */
interface Found {
  id: string;
  /** Its target: `pod:NAMESPACE/POD/CONTAINER`. */
  name: string;
  status: PodContainerStatus;
  layers: string[];
}

/**
 * Finds a container of a pod by `pod:[NAMESPACE/]POD[/CONTAINER]`, or by an id or id prefix in the
 * runtime `explicitEngine`.
 * @param mountPoint as for `resolveContainer`
 * @throws PortholeError TARGET if there is none, the name is ambiguous, or no runtime responds;
 * CANCELLED
 */
export async function resolvePod(
  name: string,
  explicitEngine: string | undefined,
  mountPoint: string,
  signal?: AbortSignal,
): Promise<ContainerState> {
  const { engine, answer } = await find(name, explicitEngine, signal);
  return stateOf(engine, answer, mountPoint);
}

/**
 * Finds a container by its full id.
 * @throws PortholeError TARGET if it was removed (ESRCH) or its runtime does not respond; CANCELLED
 */
export async function describePodContainer(
  engine: Engine,
  id: string,
  mountPoint: string,
  signal?: AbortSignal,
): Promise<ContainerState> {
  const found = await inspect(engine, id, { signal });
  if (found === undefined) throw goneError(id);
  return stateOf(engine, found, mountPoint);
}

/** The details that lists show of a container in addition to its route. */
export type PodDetails = Pick<Inspection, "exitCode" | "isOomKilled" | "error" | "health" | "restarts" | "mounts"> & {
  /** Milliseconds since 1970. */
  started: number | undefined;
  finished: number | undefined;
};

/**
 * Finds a container by its full id, with the details for lists.
 * @throws PortholeError as {@link describePodContainer}
 */
export async function podDetails(
  engine: Engine,
  id: string,
  mountPoint: string,
  signal?: AbortSignal,
): Promise<{ details: PodDetails; state: ContainerState }> {
  const found = await inspect(engine, id, { signal });
  if (found === undefined) throw goneError(id);
  const { exitCode, reason, message, attempt, mounts, startedAt, finishedAt } = found.status;
  const details = {
    ...{ exitCode, isOomKilled: reason === "OOMKilled", error: message, health: "", restarts: attempt },
    ...{ started: millisecondsOf(startedAt), finished: millisecondsOf(finishedAt) },
    mounts: mounts.map(({ source, destination, isReadOnly }) => ({
      ...{ destination, source, type: "bind", name: "", isReadOnly },
    })),
  };
  return { details, state: stateOf(engine, found, mountPoint) };
}

function millisecondsOf(nanoseconds: bigint): number | undefined {
  return nanoseconds > 0n ? Number(nanoseconds / 1_000_000n) : undefined;
}

function goneError(id: string): PortholeError {
  return new PortholeError("TARGET", `no such container: '${id.slice(0, 12)}'`, { errno: "ESRCH" });
}

/**
 * Finds a container as `resolvePod` does, to read its output.
 * @throws PortholeError as {@link resolvePod}; TARGET if the runtime keeps no log of it
 */
export async function podOutput(
  name: string,
  explicitEngine: string | undefined,
  signal?: AbortSignal,
): Promise<OutputContainer> {
  const { engine, answer } = await find(name, explicitEngine, signal);
  const { id, status } = answer;
  if (status.logPath === "") {
    throw new PortholeError("TARGET", `container '${answer.name}' has no stored output: its pod has no log directory`, {
      hint: "create the pod with a log directory, as the kubelet does",
    });
  }
  const isRunning = status.state === "running";
  return {
    ...{ engine, id, name: answer.name, isRunning, startedAt: timeText(status.startedAt), isPodman: false },
    ...{ exitCode: isRunning ? undefined : status.exitCode, hasTerminal: false },
    log: {
      path: status.logPath,
      pid: status.pid,
      hasEnded: async () => {
        using runtime = new CriRuntime(engine);
        return (await runtime.status(id))?.state !== "running";
      },
    },
  };
}

async function find(
  name: string,
  explicit: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ engine: Engine; answer: Found }> {
  const asked = criEngines(explicit);
  if (asked.length === 0) {
    throw new PortholeError("TARGET", `cannot look up '${name}': no socket of a container runtime found`, {
      hint: "run porthole as root on the pod's node, or name the socket with --engine cri:PATH",
    });
  }
  let withoutContainer: NotFoundError | undefined;
  const missing = (every: readonly PodContainer[]) => {
    if (name.startsWith("pod:")) withoutContainer ??= noContainer(name.slice("pod:".length), every);
  };
  try {
    return await askEngines("pod", name.replace(/^pod:/, ""), asked, async (engine) => {
      try {
        return await inspect(engine, name, { signal }, missing);
      } catch (error) {
        // A containerd that serves only Docker has this socket too.
        if (asked.length > 1 && isWithoutCri(error)) return undefined;
        throw error;
      }
    });
  } catch (error) {
    throw isNotFound(error) ? (withoutContainer ?? error) : error;
  }
}

/**
 * Inspects a container. Undefined if there is no such container, or if it has just been removed.
 * @param missing receives all containers if none matches
 */
async function inspect(
  engine: Engine,
  name: string,
  options: WaitOptions,
  missing?: (every: readonly PodContainer[]) => void,
): Promise<Found | undefined> {
  using runtime = new CriRuntime(engine);
  const every = await runtime.containers(options);
  const chosen = name.startsWith("pod:") ? chooseContainer(name.slice("pod:".length), every) : byId(name, every);
  if (chosen === undefined) missing?.(every);
  const status = chosen && (await runtime.status(chosen.id, options));
  if (chosen === undefined || status === undefined) return undefined;
  const layers = status.state === "running" || status.snapshotKey === "" ? [] : await runtime.layers(status, options);
  return { id: chosen.id, name: podTarget(chosen), status, layers };
}

function byId(prefix: string, every: readonly PodContainer[]): PodContainer | undefined {
  const fitting = /^[0-9a-f]+$/.test(prefix) ? every.filter(({ id }) => id.startsWith(prefix)) : [];
  if (fitting.length > 1) {
    const names = fitting.map((one) => `${podTarget(one)} (${one.id.slice(0, 12)})`).sort();
    throw new AmbiguousNameError("TARGET", `id prefix '${prefix}' is ambiguous: ${names.join(", ")}`, {
      hint: "name one of them",
    });
  }
  return fitting[0];
}

function stateOf(engine: Engine, { id, name, status, layers }: Found, mountPoint: string): ContainerState {
  const { runtime, isPrivileged, mounts, pid } = status;
  if (status.state !== "running") {
    const obstacle = whyNotRunning(name, status);
    const files = podLayers(id, status, layers);
    const finishedAt = timeText(status.finishedAt);
    return {
      stopped: { engine, id, name, finishedAt, runtime, isPodman: false, usernsMode: "", layers: files, obstacle },
    };
  }
  return {
    running: {
      ...{
        engine,
        id,
        name,
        startedAt: timeText(status.startedAt),
        pid,
        paused: false,
        pidMode: "",
        usernsMode: "",
        runtime,
      },
      ...{ privileged: isPrivileged, isPodman: false, apiVersion: "", devices: [], deviceCgroupRules: [] },
      lazyDriver: lazyDriverNamed(status.snapshotter),
      layers: { directories: [], roles: [] },
      portholeMount: mounts.find(({ destination }) => destination === mountPoint)?.source,
    },
  };
}

/** Formats a time as Docker does. */
function timeText(nanoseconds: bigint): string {
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString();
}

function whyNotRunning(name: string, { state, exitCode }: PodContainerStatus): PortholeError {
  const why = state === "created" ? "was not started yet" : `is not running (exited with status ${exitCode})`;
  return new PortholeError("TARGET", `container '${name}' ${why}`, {
    errno: "ESRCH",
    hint: `porthole cat ${name}:@logs shows what it printed`,
  });
}

/** Paths that are in memory in every container. */
const IN_MEMORY = ["/proc", "/sys", "/dev"];

function podLayers(id: string, { snapshotter, mounts }: PodContainerStatus, paths: readonly string[]): Layers {
  const key = { driver: snapshotter, isPodman: false, isContainer: true, id, diffIds: [] };
  const stack = paths.map((path) => ({ path, isInit: false }));
  return {
    ...withDirectories(key, stack),
    // There is no key, because the CRI has no other way to find the layers.
    key: undefined,
    binds: mounts.toSorted((a, b) => a.destination.length - b.destination.length),
    absent: IN_MEMORY.map((path) => ({ path, why: "was in memory" })),
  };
}
