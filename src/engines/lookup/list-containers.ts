import { requireMainThread } from "../../descriptors/poll.ts";
import { PortholeError } from "../../errors.ts";
import { criEngines } from "../api/cri-sockets.ts";
import { engineGet, engines, refusedBy, START_ENGINE } from "../api/engine.ts";
import type { Engine } from "../api/engine-address.ts";
import { type ContainerListItem, type ContainerSummary, decodeContainerList } from "../containers/container-list.ts";

/** A container in an engine's list, running or not. */
export interface Container extends ContainerSummary {
  /** Path of the engine's socket, for {@link ConnectOptions.engine}. */
  engine: string;
}

/**
 * Lists the containers of every local engine, or of the engine in `engine` (a socket, a docker
 * context, `all`). Omits porthole's sidecars.
 * @throws PortholeError TARGET if no engine responds, or if a named engine does not
 */
export async function listContainers(
  options: { engine?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Container[]> {
  requireMainThread();
  const every = await listEvery(options);
  return every.map(({ engine, id, name, image, state, status, project, service }) => {
    return { engine: engine.socketPath, id, name, image, state, status, project, service };
  });
}

/** Like {@link listContainers}, but returns all decoded fields. */
export async function listEvery(options: {
  engine?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<(ContainerListItem & { engine: Engine })[]> {
  const found = engines(options.engine);
  if (found.length === 0) throw noEngineError();
  return listOf(found, options.signal);
}

/**
 * Like {@link listEvery}, but lists the pods of this Kubernetes node.
 * @throws PortholeError as {@link listEvery}
 */
export async function listPods(options: {
  engine?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<(ContainerListItem & { engine: Engine })[]> {
  const found = criEngines(options.engine);
  if (found.length === 0) {
    throw new PortholeError("TARGET", "no container runtime of a Kubernetes node: no socket found", {
      hint: "run porthole as root on the node, or name the socket with --engine cri:PATH",
    });
  }
  return listOf(found, options.signal);
}

/**
 * Returns name and version of a node's container runtime.
 * @throws PortholeError TARGET if it does not respond or does not serve the CRI
 */
export async function runtimeVersion(engine: Engine, signal?: AbortSignal): Promise<string> {
  const { CriRuntime } = await import("../cri/runtime.ts");
  using runtime = new CriRuntime(engine);
  return await runtime.version({ signal });
}

async function listOf(
  found: readonly Engine[],
  signal: AbortSignal | undefined,
): Promise<(ContainerListItem & { engine: Engine })[]> {
  const answers = await Promise.allSettled(found.map((engine) => engineContainers(engine, signal)));
  const failure = answers.find((answer) => answer.status === "rejected");
  if (failure && (found.length === 1 || answers.every(({ status }) => status === "rejected"))) throw failure.reason;
  const byId = new Map<string, ContainerListItem & { engine: Engine }>();
  answers.forEach((answer, index) => {
    if (answer.status === "rejected") return;
    // Two sockets may lead to the same engine.
    for (const one of answer.value) if (!byId.has(one.id)) byId.set(one.id, { ...one, engine: found[index] as Engine });
  });
  return [...byId.values()];
}

/**
 * One engine's containers without porthole's sidecars.
 * @throws PortholeError TARGET with the engine's message
 */
export async function engineContainers(engine: Engine, signal: AbortSignal | undefined): Promise<ContainerListItem[]> {
  if (engine.isCri) return (await import("../cri/list-pods.ts")).podItems(engine, { signal });
  const answer = await engineGet(engine, "/containers/json?all=true", { signal });
  if (answer.status !== 200) throw refusedBy(engine, answer, "list its containers");
  return decodeContainerList(answer.body, answer.request).filter(({ isSidecar }) => !isSidecar);
}

/** The error if no engine's socket exists. */
export function noEngineError(): PortholeError {
  return new PortholeError("TARGET", "no container engine: no socket of Docker or Podman found", {
    hint: START_ENGINE,
  });
}
