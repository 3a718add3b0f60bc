import type { WaitOptions } from "../../descriptors/poll.ts";
import type { Engine } from "../api/engine-address.ts";
import type { ContainerListItem } from "../containers/container-list.ts";
import { newestOf, type PodContainer, podTarget } from "../containers/pod-container.ts";
import { CriRuntime, isWithoutCri } from "./runtime.ts";

/**
 * Lists the containers of one runtime. The newest container of each name has its target as its
 * name. Earlier containers, which the kubelet keeps for a while, have their ids as names.
 * @throws PortholeError TARGET if the runtime does not respond, except a default runtime without
 * the CRI
 */
export async function podItems(engine: Engine, options: WaitOptions = {}): Promise<ContainerListItem[]> {
  const every = await podContainers(engine, options);
  const newest = new Set(newestOf(every));
  return every
    .sort((a, b) => (podTarget(a) < podTarget(b) ? -1 : podTarget(a) > podTarget(b) ? 1 : b.attempt - a.attempt))
    .map((one) => itemOf(one, newest.has(one)));
}

/**
 * Returns the containers of one runtime's pods.
 * @throws PortholeError as {@link podItems}
 */
async function podContainers(engine: Engine, options: WaitOptions = {}): Promise<PodContainer[]> {
  using runtime = new CriRuntime(engine);
  try {
    return await runtime.containers(options);
  } catch (error) {
    // A containerd that serves only Docker has this socket too.
    if (engine.source === "default" && isWithoutCri(error)) return [];
    throw error;
  }
}

function itemOf(one: PodContainer, isNewest: boolean): ContainerListItem {
  const restarts = one.attempt === 0 ? "" : `, restarted ${one.attempt === 1 ? "once" : `${one.attempt} times`}`;
  return {
    ...{ id: one.id, name: isNewest ? podTarget(one) : one.id.slice(0, SHORT_ID), image: one.image, state: one.state },
    status: isNewest ? `${one.state}${restarts}` : `${one.state}, earlier run of ${podTarget(one)}`,
    ...{ project: one.namespace, service: "", number: "", isOneOff: false, isSidecar: false },
    ...{ labels: one.labels, ports: [], pod: one },
  };
}

const SHORT_ID = 12;
