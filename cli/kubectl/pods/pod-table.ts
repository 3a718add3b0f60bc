import { hasStarted, type PodEvent, type PodLists, type PodRow } from "./plan.ts";

/** Pods that were added or removed since the last call. */
export interface PodChanges {
  joined: PodRow[];
  left: PodRow[];
}

/** The pods that match a request, by query. Updated while they are watched. */
export class PodTable {
  readonly #lists: Map<string, PodRow>[];
  readonly #isWanted: (query: number, pod: PodRow) => boolean;
  #known: Map<string, PodRow>;

  /** @param isWanted returns false for a pod that the query lists but no target selects */
  constructor(lists: PodLists, isWanted: (query: number, pod: PodRow) => boolean) {
    this.#lists = lists.map(byName);
    this.#isWanted = isWanted;
    this.#known = this.#started();
  }

  /** The pods that have started, by query. */
  get lists(): PodRow[][] {
    const isShown = (query: number) => (pod: PodRow) => hasStarted(pod) && this.#isWanted(query, pod);
    return this.#lists.map((list, query) => [...list.values()].filter(isShown(query)));
  }

  change(query: number, { pod, isGone }: PodEvent): void {
    const list = this.#lists[query];
    if (isGone) list?.delete(nameOf(pod));
    else list?.set(nameOf(pod), pod);
  }

  replace(query: number, pods: readonly PodRow[]): void {
    this.#lists[query] = byName(pods);
  }

  /**
   * Returns the changes since the last call. A pod that moves to another node is both removed and
   * added.
   */
  changes(): PodChanges {
    const [before, now] = [this.#known, this.#started()];
    this.#known = now;
    const joined = [...now].filter(([key]) => !before.has(key)).map(([, pod]) => pod);
    const left = [...before].filter(([key]) => !now.has(key)).map(([, pod]) => pod);
    return { joined, left };
  }

  #started(): Map<string, PodRow> {
    return new Map(this.lists.flat().map((pod) => [podKey(pod), pod]));
  }
}

/** Identifies a pod. Pods of the same name on different nodes have different keys. */
export function podKey({ namespace, name, node }: PodRow): string {
  return `${namespace}/${name} ${node}`;
}

function byName(pods: readonly PodRow[]): Map<string, PodRow> {
  return new Map(pods.map((pod) => [nameOf(pod), pod]));
}

function nameOf({ namespace, name }: PodRow): string {
  return `${namespace}/${name}`;
}
