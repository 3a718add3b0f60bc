/** A container of a pod, as the CRI lists it. Every container but the newest of a name has ended. */
export interface PodContainer {
  /** 64 hexadecimal digits. */
  id: string;
  namespace: string;
  pod: string;
  /** Its name in the pod. */
  name: string;
  /** 0, and one more for each restart by the kubelet. */
  attempt: number;
  state: "created" | "running" | "exited" | "unknown";
  /** Nanoseconds since 1970. */
  createdAt: bigint;
  image: string;
  /** The pod's. */
  labels: ReadonlyMap<string, string>;
  /** `kubectl.kubernetes.io/default-container` of the pod; empty without. */
  defaultContainer: string;
}

/** What to write before the path: `pod:NAMESPACE/POD/CONTAINER`. */
export function podTarget({ namespace, pod, name }: Pick<PodContainer, "namespace" | "pod" | "name">): string {
  return `pod:${namespace}/${pod}/${name}`;
}

/** The newest container of each name: those before it were restarted, or were another pod's. */
export function newestOf(containers: readonly PodContainer[]): PodContainer[] {
  const newest = new Map<string, PodContainer>();
  for (const one of containers) {
    const before = newest.get(podTarget(one));
    if (before === undefined || before.createdAt < one.createdAt) newest.set(podTarget(one), one);
  }
  return [...newest.values()];
}

/**
 * The containers of one pod that are meant where none is named: those that run, else all; of
 * several the pod's default container, as kubectl has it.
 */
export function meantInPod(ofPod: readonly PodContainer[]): PodContainer[] {
  const running = ofPod.filter(({ state }) => state === "running");
  const eligible = running.length > 0 ? running : ofPod;
  const chosen = eligible.filter(({ name, defaultContainer }) => name === defaultContainer);
  return chosen.length > 0 ? chosen : [...eligible];
}

/** Which pods are meant: globs, and labels that must all be there. */
export interface PodSelection {
  /** Glob of namespaces; undefined: any. */
  project: string | undefined;
  /** Glob of pods. */
  name: string;
  labels: readonly { key: string; value: string | undefined }[];
  /** Glob of containers; undefined: {@link meantInPod}. */
  pods?: { container: string | undefined };
}

/**
 * What to write before the path for each container that is meant.
 * @param compile makes a glob's predicate
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

/** The containers of each pod. */
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
