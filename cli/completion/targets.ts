import { constants } from "node:fs";
import { DT_DIR, DT_LNK } from "../../src/descriptors/index.ts";
import { remoteContexts } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { Session } from "../../src/sessions/index.ts";
import { parseTarget, type Target } from "../../src/target.ts";
import { parsePattern } from "../targets/container-pattern.ts";
import { selectContainers } from "../targets/select-containers.ts";
import type { Candidate } from "./expected.ts";
import {
  type CompletedContainer,
  connectQuickly,
  enterableProcesses,
  hasPods,
  imageNames,
  knownContainers,
  podsOf,
  TIMEOUT,
  volumeNames,
} from "./sources.ts";

/** Maximum number of candidates. */
const MAX_NAMES = 2_000;
/** Maximum number of links that are followed to detect directories. */
const MAX_LINKS = 50;

/**
 * Candidates for the beginning of a target; with `session`, for a container without a path.
 * Undefined for a local path.
 */
export async function targetCandidates(
  typed: string,
  options: { session: boolean; engine: string | undefined },
): Promise<Candidate[] | undefined> {
  if (/^[./]/.test(typed)) return undefined;
  const kept = /^(image|volume):(?!\/)(.*)$/s.exec(typed);
  const pod = /^pod:(?![/@])(.*)$/s.exec(typed);
  if (pod !== null) return podCandidates(pod[1] ?? "", options);
  if (kept !== null) return keptCandidates(kept[1] as "image" | "volume", kept[2] ?? "", options);
  const parts = /^(pid:\d+|[^:/]+(?:\/[^:/]+)?):(.*)$/s.exec(typed);
  if (!options.session && parts !== null && parts[1] !== "pid")
    return pathCandidates(parts[1] ?? "", parts[2] ?? "", options);
  const end = options.session ? "" : ":";
  if (typed.startsWith("pid:"))
    return enterableProcesses().map(({ pid, command }) => ({ value: `pid:${pid}${end}`, description: command }));
  const known = await knownContainers(options.engine);
  const slash = typed.indexOf("/");
  if (slash !== -1) return serviceCandidates(known, typed.slice(0, slash), end);
  const containers = known.map(({ name, image, state }) => ({
    value: `${name}${end}`,
    description: state === "" ? image : `${image}, ${state}`,
  }));
  return [
    ...containers,
    ...(typed === "" ? [] : aliases(known).map((service) => ({ value: `${service}${end}`, description: "a service" }))),
    ...unique(known.map(({ project }) => project)).map((project) => ({
      value: `${project}/`,
      description: "a Compose project",
    })),
    { value: "image:", description: "an image's files" },
    { value: "volume:", description: "a volume's files" },
    ...(hasPods(options.engine) ? [{ value: "pod:", description: "a pod's container on this node" }] : []),
    { value: "pid:", description: "a process's namespaces" },
    // Does not list their containers: that would connect to each context on every Tab.
    ...remoteContexts().map((name) => ({ value: `${name}!`, description: "a docker context's engine" })),
  ];
}

/** Compose services that name one container, and are not the name of another one. */
function aliases(known: readonly CompletedContainer[]): string[] {
  const services = known.map(({ service }) => service);
  return unique(services).filter(
    (service) =>
      services.indexOf(service) === services.lastIndexOf(service) && !known.some(({ name }) => name === service),
  );
}

/**
 * Candidates for the whole Compose project and its services; also each replica of a service that
 * has several.
 */
function serviceCandidates(known: readonly CompletedContainer[], project: string, end: string): Candidate[] {
  const members = known.filter((one) => one.project === project && one.service !== "");
  if (members.length === 0) return [];
  const services = unique(members.map(({ service }) => service)).flatMap((service) => {
    const replicas = members.filter((one) => one.service === service);
    return replicas.length === 1 ? [service] : replicas.map(({ number }) => `${service}-${number}`);
  });
  return ["*", ...services.sort()].map((one) => ({ value: `${project}/${one}${end}` }));
}

/** Candidates for keys of containers' labels, and for keys with values. */
export async function labelCandidates(options: { prefix: string; engine: string | undefined }): Promise<Candidate[]> {
  const labels = (await knownContainers(options.engine)).flatMap((one) => [...one.labels]);
  const labelTexts = unique(labels.flatMap(([key, value]) => (value === "" ? [key] : [key, `${key}=${value}`])));
  return labelTexts.sort().map((value) => ({ value: `${options.prefix}${value}` }));
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)].filter((word) => word !== "");
}

const OUTPUTS = ["@logs", "@stdout", "@stderr"];

/** Candidates for names of images or volumes; after a complete name, for the paths inside. */
async function keptCandidates(
  kind: "image" | "volume",
  rest: string,
  options: { session: boolean; engine: string | undefined },
): Promise<Candidate[]> {
  const end = rest.indexOf(":/");
  if (end !== -1 && !options.session)
    return pathCandidates(`${kind}:${rest.slice(0, end)}`, rest.slice(end + 1), options);
  const names =
    kind === "image"
      ? namesFor(rest, await imageNames(options.engine, TIMEOUT))
      : await volumeNames(options.engine, TIMEOUT);
  return names.map((name) => ({ value: `${kind}:${name}${options.session ? "" : ":/"}` }));
}

/** Podman lists images of Docker Hub with their registry, and accepts them without it. */
function namesFor(begun: string, names: readonly string[]): readonly string[] {
  if (names.some((name) => name.startsWith(begun))) return names;
  return names.flatMap((name) => /^docker\.io\/(?:library\/)?(.+)/.exec(name)?.[1] ?? []);
}

/** Completes containers of pods; after a complete name, paths inside the container. */
async function podCandidates(
  rest: string,
  options: { session: boolean; engine: string | undefined },
): Promise<Candidate[]> {
  const colon = rest.indexOf(":");
  if (colon !== -1 && !options.session)
    return pathCandidates(`pod:${rest.slice(0, colon)}`, rest.slice(colon + 1), options);
  const pods = await podsOf(options.engine);
  return pods.map(({ name, image, state }) => ({
    value: `${name}${options.session ? "" : ":"}`,
    description: state === "running" ? image : `${image}, ${state}`,
  }));
}

async function pathCandidates(
  container: string,
  path: string,
  options: { engine: string | undefined },
): Promise<Candidate[]> {
  if (path === "") return [{ value: `${container}:/` }];
  if (path.startsWith("@")) return OUTPUTS.map((one) => ({ value: `${container}:${one}` }));
  const slash = path.lastIndexOf("/");
  const directory = path.slice(0, slash + 1);
  const begun = path.slice(slash + 1);
  const target = parseTarget(`${await firstOf(container, options.engine)}:${directory || "/"}`);
  await using session = await connectQuickly(target, options.engine);
  const found: { name: string; type: number }[] = [];
  for await (const { name, type } of session.list(target.path)) {
    if (name.startsWith(begun) && (begun !== "" || !name.startsWith("."))) found.push({ name, type });
    if (found.length === MAX_NAMES) break;
  }
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  const links = found.filter(({ type }) => type === DT_LNK).slice(0, MAX_LINKS);
  const toDirectories = new Set<string>();
  await Promise.all(
    links.map(async ({ name }) => {
      if (await isDirectory(session, target, name)) toDirectories.add(name);
    }),
  );
  return found.map(({ name, type }) => ({
    value: `${container}:${directory}${name}${type === DT_DIR || toDirectories.has(name) ? "/" : ""}`,
  }));
}

/** The container whose paths are offered if a pattern matches several. */
async function firstOf(container: string, engine: string | undefined): Promise<string> {
  const pattern = parsePattern(`${container}:/`, []);
  return pattern ? ((await selectContainers(pattern, { engine }))[0] ?? container) : container;
}

async function isDirectory(session: Session, { path }: Target, name: string): Promise<boolean> {
  try {
    return ((await session.stat(`${path}/${name}`)).mode & constants.S_IFMT) === constants.S_IFDIR;
  } catch (error) {
    if (error instanceof PortholeError && error.code === "FILE") return false;
    throw error;
  }
}
