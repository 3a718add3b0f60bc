import { type LateSignal, signalOf } from "../../descriptors/poll.ts";
import { PortholeError } from "../../errors.ts";
import { AmbiguousNameError, askEngines } from "../api/ask-engines.ts";
import { inspectionPath } from "../api/begin-inspection.ts";
import { type EngineResponse, engineGet, errorMessageOf, isGone, namesInEngines, refusedBy } from "../api/engine.ts";
import { type Engine, isOfPod, notOfPods } from "../api/engine-address.ts";
import { Json } from "../api/engine-json.ts";
import { composeContainer } from "../containers/compose.ts";
import { decodeContainerList } from "../containers/container-list.ts";
import type { ContainerState, RunningContainer } from "../containers/container-state.ts";
import { decodeInspection, type Inspection } from "../containers/inspection.ts";
import { containerLayers, directoryAlone, lazyDriver, rootLayers } from "../layers/layers.ts";
import { isOfDirectory, rootfsOf } from "../layers/podman-rootfs.ts";

export type { ContainerState, RunningContainer, StoppedContainer } from "../containers/container-state.ts";

/**
 * Finds a container by name, id, id prefix, Compose service (see {@link composeContainer}) or pod
 * (`pod:NAMESPACE/POD/CONTAINER`). The first three need a single request.
 * @throws PortholeError TARGET if there is none, the name is ambiguous, it is being removed, or no
 * engine responds; CANCELLED through the signal
 */
export async function resolveContainer(
  name: string,
  explicitEngine: string | undefined,
  mountPoint: string,
  signal?: LateSignal,
): Promise<ContainerState> {
  if (isOfPod(name, explicitEngine)) {
    const { resolvePod } = await import("../cri/resolve-pod.ts");
    return resolvePod(name, explicitEngine, mountPoint, signalOf(signal));
  }
  const { engine, answer } = await inspectNamed(name, explicitEngine, signal);
  return stateOf(engine, answer, name, mountPoint);
}

/**
 * Inspects a container by its full id.
 * @param known its name, if the engine has just described it
 * @throws PortholeError TARGET if it is gone or being removed (ESRCH), or its engine does not
 * respond; CANCELLED through the signal
 */
export async function describeContainer(
  engine: Engine,
  id: string,
  mountPoint: string,
  signal?: LateSignal,
  known?: string,
): Promise<ContainerState> {
  if (engine.isCri) {
    const { describePodContainer } = await import("../cri/resolve-pod.ts");
    return describePodContainer(engine, id, mountPoint, signalOf(signal));
  }
  const inspection = await inspectId(engine, id, signal, known);
  const state = stateOf(engine, inspection, id, mountPoint);
  if (state.stopped === undefined || !isOfDirectory(inspection)) return state;
  const rootfs = await rootfsOf(engine, id, signalOf(signal));
  if (rootfs === undefined) return state;
  return { stopped: { ...state.stopped, layers: { ...state.stopped.layers, ...directoryAlone(rootfs) } } };
}

/**
 * Inspects a container in any state by its full id.
 * @throws as {@link describeContainer}
 */
export async function inspectId(
  engine: Engine,
  id: string,
  signal?: LateSignal,
  known?: string,
): Promise<InspectedContainer> {
  const inspection = await inspect(engine, id, signal);
  if (inspection === undefined) {
    const text =
      known === undefined ? `no such container: '${id.slice(0, 12)}'` : `container '${known}' has just been removed`;
    throw new PortholeError("TARGET", text, { errno: "ESRCH" });
  }
  return inspection;
}

/**
 * Finds a container of Docker or Podman as {@link resolveContainer} does, in any state.
 * @throws as {@link resolveContainer}
 */
export async function inspectContainer(
  name: string,
  explicitEngine: string | undefined,
  signal?: LateSignal,
): Promise<{ engine: Engine; answer: InspectedContainer }> {
  if (isOfPod(name, explicitEngine)) throw notOfPods();
  return inspectNamed(name, explicitEngine, signal);
}

/**
 * Returns the container if it is running.
 * @throws PortholeError TARGET (ESRCH) with a hint if it is not
 */
export function requireRunning({ running, stopped }: ContainerState): RunningContainer {
  if (running === undefined) throw stopped.obstacle;
  return running;
}

/** A container's inspection and the engine's type. */
export interface InspectedContainer extends Inspection {
  isPodman: boolean;
  apiVersion: string;
  json: Json;
}

function inspected({ body, request, isPodman, apiVersion }: EngineResponse): InspectedContainer {
  return { ...decodeInspection(body, request), isPodman, apiVersion, json: new Json(body, request) };
}

async function inspectNamed(
  name: string,
  explicit: string | undefined,
  signal: LateSignal | undefined,
): Promise<{ engine: Engine; answer: InspectedContainer }> {
  try {
    return await askEngines("container", name, explicit, (asked) => inspect(asked, name, signal));
  } catch (error) {
    const { withSimilarNames } = await import("../containers/similar-names.ts");
    throw await withSimilarNames(error, "container", name, () => containerNames(explicit, signal));
  }
}

/** Names and Compose services of the containers of every engine that responds. */
async function containerNames(explicit: string | undefined, signal: LateSignal | undefined): Promise<string[]> {
  return namesInEngines(explicit, async (engine) => {
    const { status, body, request } = await engineGet(engine, "/containers/json?all=true", { signal });
    if (status !== 200) return [];
    const all = decodeContainerList(body, request).filter(({ isSidecar }) => !isSidecar);
    return all.flatMap((one) =>
      one.service === "" ? [one.name] : [one.name, one.service, `${one.project}/${one.service}`],
    );
  });
}

async function inspect(engine: Engine, name: string, signal?: LateSignal): Promise<InspectedContainer | undefined> {
  const options = { signal };
  if (name.includes("/")) return inspectCompose(engine, name, signal);
  const answer = await engineGet(engine, inspectionPath(name), options);
  if (answer.status === 200) {
    const inspection = inspected(answer);
    // An engine also takes "db" as an id prefix. A Compose service of that name has precedence.
    return isShortId(inspection, name)
      ? ((await inspectCompose(engine, name, signal, true)) ?? inspection)
      : inspection;
  }
  const isUnclear = isSeveral(answer);
  if (!isGone(answer.status, errorMessageOf(answer)) && !isUnclear)
    throw refusedBy(engine, answer, `inspect '${name}'`);
  const service = await inspectCompose(engine, name, signal);
  if (service === undefined && isUnclear) throw await severalIds(engine, name, signal);
  return service;
}

/** Number of digits of a short id, as engines print it. No service has such a name. */
const SHORT_ID = 12;

/** True if the engine matched a short id prefix, not a name. */
function isShortId(inspection: Inspection, name: string): boolean {
  return name.length < SHORT_ID && inspection.id.startsWith(name) && inspection.name !== name;
}

/** True if the engine reports an ambiguous id prefix: Docker by 400, Podman by 500. */
function isSeveral(answer: EngineResponse): boolean {
  return answer.status >= 400 && /multiple (ids|containers)|more than one/i.test(errorMessageOf(answer) ?? "");
}

async function severalIds(engine: Engine, prefix: string, signal?: LateSignal): Promise<PortholeError> {
  const answer = await engineGet(engine, "/containers/json?all=true", { signal });
  if (answer.status !== 200) return refusedBy(engine, answer, `inspect '${prefix}'`);
  const fitting = decodeContainerList(answer.body, answer.request)
    .filter(({ id }) => id.startsWith(prefix))
    .map(({ id, name }) => `${name} (${id.slice(0, SHORT_ID)})`);
  return new AmbiguousNameError("TARGET", `id prefix '${prefix}' is ambiguous: ${fitting.sort().join(", ")}`, {
    hint: "name one of them",
  });
}

async function inspectCompose(
  engine: Engine,
  name: string,
  signal?: LateSignal,
  isOptional = false,
): Promise<InspectedContainer | undefined> {
  const choice = await composeContainer(engine, name, { signal, isOptional });
  if (choice.several !== undefined) {
    const { length } = choice.several;
    throw new AmbiguousNameError(
      "TARGET",
      `Compose service '${name}' is ambiguous: it has ${length} containers: ${choice.several.join(", ")}`,
      {
        hint: "name one of them",
      },
    );
  }
  if (choice.id === undefined) return undefined;
  const answer = await engineGet(engine, `/containers/${choice.id}/json`, { signal });
  return answer.status === 200 ? inspected(answer) : undefined;
}

/**
 * Converts an inspection to a state. A container without a name gets `name`.
 * @throws PortholeError TARGET if it is being removed
 */
export function stateOf(
  engine: Engine,
  inspection: InspectedContainer,
  name: string,
  mountPoint: string,
): ContainerState {
  const shown = inspection.name || name;
  const { id, startedAt, finishedAt, pid, pidMode, usernsMode, runtime, isPodman, devices, deviceCgroupRules } =
    inspection;
  const obstacle = whyNotRunning(shown, inspection);
  if (obstacle !== undefined) {
    if (inspection.status === "removing") throw obstacle;
    const layers = containerLayers(inspection.json, isPodman);
    return { stopped: { engine, id, name: shown, finishedAt, runtime, isPodman, usernsMode, layers, obstacle } };
  }
  return {
    running: {
      ...{ engine, id, name: shown, startedAt, pid, paused: inspection.isPaused, pidMode, usernsMode, runtime },
      ...{ privileged: inspection.isPrivileged, isPodman, apiVersion: inspection.apiVersion },
      ...{ devices, deviceCgroupRules },
      lazyDriver: lazyDriver(inspection.json),
      // Only a new agent needs them.
      get layers() {
        return rootLayers(inspection.json, isPodman);
      },
      portholeMount: inspection.mounts.find(({ destination }) => destination === mountPoint)?.source,
    },
  };
}

/**
 * Returns an error whose reason and hint depend on the container's state; undefined for a running
 * container.
 */
function whyNotRunning(name: string, inspection: InspectedContainer): PortholeError | undefined {
  const { isRunning, isPaused, isRestarting, exitCode, isPodman } = inspection;
  const status = inspection.status || "stopped";
  const command = isPodman ? "podman" : "docker";
  const fail = (why: string, hint: string) =>
    new PortholeError("TARGET", `container '${name}' ${why}`, { errno: "ESRCH", hint });
  if (isRestarting || status === "restarting") {
    const after = exitCode === undefined ? "" : ` (exit status ${exitCode})`;
    return fail(`is restarting${after}`, `try again in a moment; porthole cat ${name}:@logs shows what it printed`);
  }
  if (isRunning || isPaused) return undefined;
  // Docker could not remove the container and does not retry.
  if (status === "dead") return fail("is dead", `run ${command} rm --force ${name}`);
  if (status === "removing") return fail("is being removed", `if that does not end, run ${command} rm --force ${name}`);
  const state = status === "created" || status === "configured" ? "was never started" : `is not running (${status})`;
  return fail(state, `run ${command} start ${name}`);
}
