import { readdirSync, readFileSync } from "node:fs";
import {
  decodeContainerList,
  type Engine,
  engineGet,
  engines,
  imageNames,
  volumeNames,
} from "../../src/engines/index.ts";
import { canEnterNamespaces } from "../../src/routes/index.ts";
import { connect, type Session } from "../../src/sessions/index.ts";
import type { Target } from "../../src/target.ts";

export { imageNames, volumeNames };

/** Somebody waits with a finger on the key: what takes longer than this many milliseconds is left out. */
const PATIENCE_MS = 1_000;

/** The same as an option. */
export const TIMEOUT = { timeoutMs: PATIENCE_MS };

/** A container that an engine lists. */
export interface KnownContainer {
  name: string;
  image: string;
  /** Empty while it runs. */
  state: string;
}

/** Containers of every engine that answers at once, those that run first, with one light request to each; no engine, no containers. */
export async function knownContainers(engine?: string): Promise<KnownContainer[]> {
  const answers = await Promise.allSettled(engines(engine).map(containersOf));
  const known = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  return [...known.filter(({ state }) => state === ""), ...known.filter(({ state }) => state !== "")];
}

async function containersOf(engine: Engine): Promise<KnownContainer[]> {
  const { status, body, request } = await engineGet(engine, "/containers/json?all=true", TIMEOUT);
  if (status !== 200) return [];
  return decodeContainerList(body, request)
    .filter(({ isSidecar }) => !isSidecar)
    .map(({ name, image, state }) => ({ name, image, state: state === "running" ? "" : state }));
}

/**
 * A session for a question in passing: over a live agent on any route, else over one on the direct route, which takes milliseconds. No sidecar is
 * started and nothing is run in the container for it.
 * @throws PortholeError as connect does, ATTACH when it would take more
 */
export function connectQuickly(target: Target, engine?: string): Promise<Session> {
  return connect(target, { engine, startOn: ["direct"], requestTimeoutMs: PATIENCE_MS, timeoutMs: PATIENCE_MS });
}

/** Processes whose namespaces this user may enter, by number; those of the kernel are left out. */
export function enterableProcesses(): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const [command] = read(`/proc/${name}/cmdline`)?.split("\0") ?? [];
      return command && canEnterNamespaces(pid) ? [{ pid, command }] : [];
    });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
