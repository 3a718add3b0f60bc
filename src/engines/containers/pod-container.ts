/**
 * A container of a pod, as the CRI lists it. If several have the same name, all but the newest have
 * ended.
 */
export interface PodContainer {
  /** 64 hexadecimal digits. */
  id: string;
  namespace: string;
  pod: string;
  /** Its name in the pod. */
  name: string;
  /** Number of the start: 0 for the first. The kubelet adds 1 at each restart. */
  attempt: number;
  state: "created" | "running" | "exited" | "unknown";
  /** Nanoseconds since 1970. */
  createdAt: bigint;
  image: string;
  labels: ReadonlyMap<string, string>;
  /** The pod's annotation `kubectl.kubernetes.io/default-container`; empty if missing. */
  defaultContainer: string;
}

/** The target without its path: `pod:NAMESPACE/POD/CONTAINER`. */
export function podTarget({ namespace, pod, name }: Pick<PodContainer, "namespace" | "pod" | "name">): string {
  return `pod:${namespace}/${pod}/${name}`;
}

/** The newest container of each name. Older ones were restarted, or belong to an earlier pod. */
export function newestOf(containers: readonly PodContainer[]): PodContainer[] {
  const newest = new Map<string, PodContainer>();
  for (const one of containers) {
    const before = newest.get(podTarget(one));
    if (before === undefined || before.createdAt < one.createdAt) newest.set(podTarget(one), one);
  }
  return [...newest.values()];
}

/**
 * Returns the containers of one pod that a target without a container name selects. These are the
 * running containers, or all containers if none runs. If the default container is among them,
 * returns only the default container, as kubectl does. Ephemeral containers are selected only if
 * the pod has no others.
 */
export function meantInPod(ofPod: readonly PodContainer[]): PodContainer[] {
  const lasting = ofPod.filter(({ name }) => !EPHEMERAL.test(name));
  const candidates = lasting.length > 0 ? lasting : ofPod;
  const running = candidates.filter(({ state }) => state === "running");
  const eligible = running.length > 0 ? running : candidates;
  const chosen = eligible.filter(({ name, defaultContainer }) => name === defaultContainer);
  return chosen.length > 0 ? chosen : [...eligible];
}

/**
 * Names of the ephemeral containers of `kubectl porthole` and `kubectl debug`. The CRI does not
 * report the kind of a container.
 */
const EPHEMERAL = /^(porthole-[a-z]+-[0-9a-f]{6}|debugger-[a-z0-9]{5})$/;

/** Selects pods by globs, and by labels that must all match. */
export interface PodSelection {
  /** Glob of namespaces; undefined matches any. */
  project: string | undefined;
  /** Glob of pods. */
  name: string;
  labels: readonly { key: string; value: string | undefined }[];
  /** Glob of containers; undefined selects {@link meantInPod}. */
  pods?: { container: string | undefined };
}

/**
 * The targets, without paths, of all selected containers.
 * @param compile compiles a glob to a predicate
 */
export function matchingPods(
  items: readonly { pod?: PodContainer }[],
  { project = "*", name, labels, pods }: PodSelection,
  compile: (glob: string) => (text: string) => boolean,
): string[] {
  const [isNamespace, isPod, isContainer] = [project, name, pods?.container ?? "*"].map(compile);
  const fitting = newestOf(items.flatMap(({ pod }) => pod ?? [])).filter(
    (one) =>
      isNamespace?.(one.namespace) &&
      isPod?.(one.pod) &&
      isContainer?.(one.name) &&
      labels.every(({ key, value }) => one.labels.has(key) && (value === undefined || one.labels.get(key) === value)),
  );
  const meant = byPod(fitting).flatMap((ofPod) => (pods?.container === undefined ? meantInPod(ofPod) : ofPod));
  return meant.map(podTarget);
}

/** Groups containers by pod. */
export function byPod(containers: readonly PodContainer[]): PodContainer[][] {
  const pods = new Map<string, PodContainer[]>();
  for (const one of containers) {
    const key = `${one.namespace}/${one.pod}`;
    const others = pods.get(key);
    if (others === undefined) pods.set(key, [one]);
    else others.push(one);
  }
  return [...pods.values()];
}
