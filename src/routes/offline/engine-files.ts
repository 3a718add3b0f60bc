import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { errnoText } from "../../descriptors/errno.ts";
import type { Engine } from "../../engines/api/engine.ts";
import { PortholeError } from "../../errors.ts";
import type { AgentRoute } from "../../protocol/agent-info.ts";
import { ATTACH_TIMEOUT_MS } from "../agents/attachment.ts";
import { enginePaths } from "../agents/engine-process.ts";
import { withAgentLock } from "../agents/registry.ts";
import { ensureRunDirectory } from "../run-directory/run-dir.ts";

/** The log file of a container's output. */
export interface EngineLog {
  engine: Engine;
  /** The container's id: 64 hexadecimal digits. */
  id: string;
  /** For messages. */
  name: string;
  /** As the engine reports it. */
  path: string;
}

/** A log and its size in bytes, or why that is unknown. */
export type MeasuredLog<T> = T & ({ bytes: number } | { error: PortholeError });

/**
 * Measures log files with their rotated files (`PATH.1`, `PATH.2.gz`). Does so in place if this
 * user may read the engine's directories, otherwise through the engine, from a sidecar. 0 bytes if
 * no file exists, such as with Podman's journald.
 * @param route `direct` measures only in place, `sidecar` only through the engine
 */
export async function measureLogs<T extends EngineLog>(
  logs: readonly T[],
  { route, signal }: { route?: AgentRoute | undefined; signal: AbortSignal },
): Promise<MeasuredLog<T>[]> {
  const measured = logs.map((log) => inPlace(log, route));
  if (route === "direct" || route === "mount") return measured;
  const groups = new Map<string, T[]>();
  for (const [index, log] of logs.entries()) {
    const one = measured[index];
    if (one === undefined || !("error" in one)) continue;
    const key = `${log.engine.socketPath} ${storageOf(log.path)}`;
    groups.set(key, [...(groups.get(key) ?? []), log]);
  }
  const found = new Map<string, MeasuredLog<T>>();
  for (const group of groups.values())
    for (const one of await byEngine(group, signal)) found.set(`${one.engine.socketPath} ${one.id}`, one);
  return measured.map((one) => found.get(`${one.engine.socketPath} ${one.id}`) ?? one);
}

function inPlace<T extends EngineLog>(log: T, route: AgentRoute | undefined): MeasuredLog<T> {
  const { engine, path } = log;
  const failed = (why: string, cause?: unknown) => {
    const hint = "run porthole as root, or as the owner of a rootless engine";
    return { ...log, error: new PortholeError("FILE", `cannot measure ${path}: ${why}`, { hint, cause }) };
  };
  try {
    if (route === "sidecar") return failed("not in place");
    const paths = enginePaths(engine);
    if (paths !== undefined && !paths.isEngines(path)) return failed("the engine's files are not on this machine");
    return { ...log, bytes: bytesOf(paths === undefined ? path : paths.path(path), paths !== undefined) };
  } catch (error) {
    return failed(errnoText(-((error as NodeJS.ErrnoException).errno ?? 0)), error);
  }
}

/** @param isEngines false if another file may have that path; then a missing file is an error */
function bytesOf(path: string, isEngines: boolean): number {
  const [directory, name] = [dirname(path), basename(path)];
  try {
    return readdirSync(directory)
      .filter((one) => one === name || (one.startsWith(`${name}.`) && /^\d+(\.gz)?$/.test(one.slice(name.length + 1))))
      .reduce((total, one) => total + (statSync(join(directory, one), { throwIfNoEntry: false })?.size ?? 0), 0);
  } catch (error) {
    if (isEngines && (error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

/** Returns Docker's directory for the logs of all containers. */
function storageOf(path: string): string {
  return dirname(dirname(path));
}

/** Measures logs of one engine and directory. */
async function byEngine<T extends EngineLog>(logs: readonly T[], signal: AbortSignal): Promise<MeasuredLog<T>[]> {
  const [first] = logs;
  if (first === undefined) return [];
  const { engine, id, name, path } = first;
  const wait = { timeoutMs: ATTACH_TIMEOUT_MS, signal };
  try {
    const { engineLogBytes } = await import("../sidecar/storage-sidecar.ts");
    const run = ensureRunDirectory();
    const directory = storageOf(path);
    const names = logs.map((log) => relative(directory, log.path));
    const files = { engine, target: id, name, suffix: "-logs" };
    const sizes = await withAgentLock(run, "logs", { ...wait, timeoutMs: 3 * ATTACH_TIMEOUT_MS }, () =>
      engineLogBytes(files, directory, names, run, wait),
    );
    return logs.map((log, index) => ({ ...log, bytes: sizes[index] ?? 0 }));
  } catch (error) {
    if (!(error instanceof PortholeError) || error.code === "CANCELLED") throw error;
    return logs.map((log) => ({ ...log, error }));
  }
}
