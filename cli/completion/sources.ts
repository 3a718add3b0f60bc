import { readdirSync, readFileSync } from "node:fs";
import {
  decodeContainerList,
  type Engine,
  engineGet,
  engines,
  imageNames,
  listedEngines,
  listPods,
  volumeNames,
} from "../../src/engines/index.ts";
import { readOr } from "../../src/errors.ts";
import { canEnterNamespaces } from "../../src/routes/index.ts";
import { connect, type Session } from "../../src/sessions/index.ts";
import type { Target } from "../../src/target.ts";

export { imageNames, volumeNames };

/** Runs on every Tab; skip engines slower than this. */
const PATIENCE_MS = 1_000;

/** {@link PATIENCE_MS} as an option of requests. */
export const TIMEOUT = { timeoutMs: PATIENCE_MS };

/** A container that an engine lists. */
export interface CompletedContainer {
  name: string;
  image: string;
  /** The engine's state; empty for a running container. */
  state: string;
  /** Compose project; empty if there is none. */
  project: string;
  service: string;
  number: string;
  labels: ReadonlyMap<string, string>;
}

/**
 * Containers of all engines, running ones first, with one request to each engine. Ignores engines
 * that fail or are slow.
 */
export async function knownContainers(engine?: string): Promise<CompletedContainer[]> {
  const answers = await Promise.allSettled(engines(engine).map(containersOf));
  const known = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  return [...known.filter(({ state }) => state === ""), ...known.filter(({ state }) => state !== "")];
}

/** True if this machine is a Kubernetes node. */
export function hasPods(engine?: string): boolean {
  return listedEngines(engine).some(({ isCri }) => isCri);
}

/** The containers of this node's pods, each once, running ones first. */
export async function podsOf(engine?: string): Promise<{ name: string; image: string; state: string }[]> {
  const every = await listPods({ engine, signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => []);
  const named = every.filter(({ name }) => name.startsWith("pod:"));
  return [...named.filter(({ state }) => state === "running"), ...named.filter(({ state }) => state !== "running")];
}

async function containersOf(engine: Engine): Promise<CompletedContainer[]> {
  const { status, body, request } = await engineGet(engine, "/containers/json?all=true", TIMEOUT);
  if (status !== 200) return [];
  return decodeContainerList(body, request)
    .filter(({ isSidecar }) => !isSidecar)
    .map(({ state, ...one }) => ({ ...one, state: state === "running" ? "" : state }));
}

/**
 * Returns a session for completion. Uses a running agent on any route. Otherwise starts an agent on
 * the direct route, which takes milliseconds. Starts no sidecar and runs nothing in the container.
 * @throws PortholeError as connect; ATTACH if another route would be needed
 */
export function connectQuickly(target: Target, engine?: string): Promise<Session> {
  return connect(target, { engine, startOn: ["direct"], requestTimeoutMs: PATIENCE_MS, timeoutMs: PATIENCE_MS });
}

/** Processes whose namespaces this user may enter, without kernel threads. */
export function enterableProcesses(): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const [command] = readOr("", () => readFileSync(`/proc/${name}/cmdline`, "utf8")).split("\0");
      return command && canEnterNamespaces(pid) ? [{ pid, command }] : [];
    });
}
