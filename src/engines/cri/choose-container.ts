import { AmbiguousNameError, NotFoundError } from "../api/ask-engines.ts";
import { byPod, meantInPod, newestOf, type PodContainer, podTarget } from "../containers/pod-container.ts";
import { parsePodName } from "./pod-name.ts";

/**
 * Finds the newest container for `[NAMESPACE/]POD[/CONTAINER]`. Without a container name, takes the
 * pod's only or default container. Undefined if no container matches.
 * @throws PortholeError USAGE; TARGET with every candidate if the name is ambiguous
 */
export function chooseContainer(text: string, every: readonly PodContainer[]): PodContainer | undefined {
  const { meanings } = parsePodName(text);
  const fitting = newestOf(every).filter((one) =>
    meanings.some(
      ({ namespace, pod, container }) =>
        one.pod === pod &&
        (namespace === undefined || one.namespace === namespace) &&
        (container === undefined || one.name === container),
    ),
  );
  const pods = byPod(fitting);
  if (pods.length > 1)
    throw severalPods(text, pods.flatMap(([one]) => (one ? `${one.namespace}/${one.pod}` : [])).sort());
  const [ofPod = []] = pods;
  const meant = meantInPod(ofPod);
  if (meant.length > 1) throw severalContainers(text, meant);
  return meant[0];
}

/** Returns the error for a pod that has no container of that name; undefined if there is no pod. */
export function noContainer(text: string, every: readonly PodContainer[]): NotFoundError | undefined {
  for (const { namespace, pod, container } of parsePodName(text).meanings) {
    if (container === undefined) continue;
    const isOfPod = (one: PodContainer) => one.pod === pod && (namespace === undefined || one.namespace === namespace);
    const [ofPod = [], ...others] = byPod(newestOf(every).filter(isOfPod));
    const [first] = ofPod;
    if (first === undefined || others.length > 0) continue;
    const names = ofPod.map(({ name }) => name).sort();
    return new NotFoundError(
      "TARGET",
      `the pod ${first.namespace}/${pod} has no container '${container}': ${names.join(", ")}`,
      { hint: `name one of them, such as ${podTarget({ ...first, name: names[0] ?? "" })}:/path` },
    );
  }
  return undefined;
}

function severalPods(text: string, names: readonly string[]): AmbiguousNameError {
  return new AmbiguousNameError("TARGET", `'pod:${text}' is ambiguous: there are the pods ${names.join(" and ")}`, {
    hint: `write for example pod:${names[0]}:/path`,
  });
}

function severalContainers(text: string, containers: readonly PodContainer[]): AmbiguousNameError {
  const names = containers.map(({ name }) => name).sort();
  const example = podTarget({ ...(containers[0] as PodContainer), name: names[0] ?? "" });
  return new AmbiguousNameError(
    "TARGET",
    `'pod:${text}' is ambiguous: the pod has ${names.length} containers: ${names.join(", ")}`,
    { hint: `name one of them, such as ${example}:/path` },
  );
}
