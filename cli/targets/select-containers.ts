import {
  type ContainerListItem,
  type ListedContainer,
  listEvery,
  listPods,
  matchingPods,
  watchContainers,
} from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { compareNames, compileGlob } from "../../src/files/index.ts";
import { type ContainerPattern, isGlob } from "./container-pattern.ts";

/** Maximum number of containers that one pattern may match: each may need an agent. */
const MAX_MATCHES = 200;

/**
 * Returns the names of all matching containers, running or stopped, sorted by their bytes. Each is
 * a target without its path. `isReport` allows any number of matches, including none.
 * @throws PortholeError TARGET if no container matches, more than {@link MAX_MATCHES} match, or no
 * engine responds
 */
export async function selectContainers(
  pattern: ContainerPattern,
  options: { engine: string | undefined; runningOnly?: boolean; isReport?: boolean },
): Promise<string[]> {
  const every = await (pattern.pods ? listPods : listEvery)({ engine: options.engine });
  const names = matchingNames(pattern, options.runningOnly ? every.filter(isRunning) : every);
  if (options.isReport) return names;
  if (names.length === 0) throw noMatch(pattern, options.runningOnly === true);
  if (names.length > MAX_MATCHES) throw tooMany(pattern, names.length);
  return names;
}

/**
 * Calls `changed` whenever the containers change, with the result of {@link selectContainers},
 * which may be empty. Pauses while an engine does not respond.
 * @param options.pods watch the container runtimes of this node instead of Docker and Podman
 */
export function watchSelection(options: {
  engine: string | undefined;
  pods: boolean;
  signal: AbortSignal;
  changed(namesOf: (pattern: ContainerPattern) => string[]): void;
}): Promise<void> {
  const { engine, pods, signal, changed } = options;
  return watchContainers({
    ...{ engine, kind: pods ? "pods" : "containers", signal },
    changed({ containers, troubles, complete }) {
      if (complete && troubles.length === 0) changed((pattern) => matchingNames(pattern, containers));
    },
  });
}

function matchingNames(pattern: ContainerPattern, every: readonly (ContainerListItem | ListedContainer)[]): string[] {
  if (pattern.pods) return matchingPods(every, pattern, compileGlob).sort(compareNames);
  const matches = compile(pattern);
  const count = new Map<string, number>();
  for (const { name } of every) count.set(name, (count.get(name) ?? 0) + 1);
  // Several engines may have containers of the same name.
  const nameOf = ({ name, id }: ContainerListItem) => (count.get(name) === 1 ? name : id.slice(0, 12));
  return every
    .filter((one) => one.state !== "removing" && matches(one))
    .map(nameOf)
    .sort(compareNames);
}

function compile({ project, name, labels }: ContainerPattern): (one: ContainerListItem) => boolean {
  const isName = compileGlob(name);
  const isProject = compileGlob(project ?? "*");
  const isLabelled = (one: ContainerListItem) =>
    labels.every(({ key, value }) => one.labels.has(key) && (value === undefined || one.labels.get(key) === value));
  const serviceNames = ({ service, number }: ContainerListItem) =>
    service === "" ? [] : [service, `${service}-${number}`];
  // With labels, a full name selects the same container as without labels.
  const otherNames = (one: ContainerListItem) => [...serviceNames(one), ...(one.id.startsWith(name) ? [name] : [])];
  return (one) => {
    if (!isLabelled(one)) return false;
    if (project !== undefined) {
      if (one.project === "" || one.isOneOff || !isProject(one.project)) return false;
      return [one.name, ...serviceNames(one)].some(isName);
    }
    return isName(one.name) || (!isGlob(name) && otherNames(one).includes(name));
  };
}

function isRunning({ state }: ContainerListItem): boolean {
  return state === "running" || state === "paused";
}

/** Returns the error for a pattern without matches. */
function noMatch({ project, name, labels, pods }: ContainerPattern, runningOnly = false): PortholeError {
  const shown = project === undefined ? name : `${project}/${name}`;
  const labelTexts = labels.map(({ key, value }) => (value === undefined ? key : `${key}=${value}`));
  const labelled =
    labelTexts.length === 0
      ? ""
      : ` with ${labelTexts.length === 1 ? "the label" : "the labels"} ${labelTexts.join(", ")}`;
  const what = `${runningOnly ? "running " : ""}${pods ? "pod" : "container"}`;
  return new PortholeError("TARGET", `no ${what} matches '${shown}'${labelled}`, {
    hint: pods ? "see kubectl get pods --all-namespaces --output wide" : "see docker ps --all",
  });
}

function tooMany({ text }: ContainerPattern, count: number): PortholeError {
  return new PortholeError("TARGET", `'${text}' matches ${count} containers: at most ${MAX_MATCHES} are read`, {
    hint: "write a narrower name, or select by --label",
  });
}
