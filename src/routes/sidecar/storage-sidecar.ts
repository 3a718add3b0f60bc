import { basename, dirname, join } from "node:path";
import { EngineError } from "../../engines/api/engine-error.ts";
import { type HttpResponse, httpGet, httpHead } from "../../engines/api/http.ts";
import { firstFileOf } from "../../engines/layers/tar-reader.ts";
import { PortholeError } from "../../errors.ts";
import { deadline, routeError } from "../agents/route-error.ts";
import type { StartOptions } from "../rendezvous/accept-over-stream.ts";
import { openRendezvous } from "../rendezvous/rendezvous.ts";
import type { RunDirectory } from "../run-directory/run-dir.ts";
import { createSidecar } from "./create-sidecar.ts";
import { CLEAN_UP_MS, removeOurs } from "./remove-sidecars.ts";
import { type Sidecar, sidecarName } from "./sidecar-description.ts";
import { SidecarGuard } from "./sidecar-guard.ts";

/** The container whose engine's storage is read. The caller holds a lock for its sidecar's name. */
type Files = Pick<Sidecar, "engine" | "target" | "name" | "suffix">;
type Patience = Pick<StartOptions, "timeoutMs" | "signal">;

/**
 * Reads a file of the engine's storage. Undefined if there is no such file.
 * @throws PortholeError ATTACH, CANCELLED
 */
export function readEngineFile(
  files: Files,
  path: string,
  run: RunDirectory,
  options: Patience,
): Promise<Buffer | undefined> {
  return withStorage(files, dirname(path), run, options, async (archive) => {
    const answer = await archive("GET", basename(path));
    return answer.status === 200 ? firstFileOf(answer.body) : undefined;
  });
}

/**
 * Returns the sizes in bytes of log files below `directory` of the engine's storage. Each size
 * includes the rotated files (`PATH.1`, `PATH.2.gz`). 0 if there is no file.
 * @throws PortholeError ATTACH, CANCELLED
 */
export async function engineLogBytes(
  files: Files,
  directory: string,
  names: readonly string[],
  run: RunDirectory,
  options: Patience,
): Promise<number[]> {
  const sizes = await withStorage(files, directory, run, options, async (archive) => {
    const size = async (name: string) => sizeIn(await archive("HEAD", name));
    const found: number[] = [];
    for (const name of names) {
      let total = (await size(name)) ?? 0;
      for (let number = 1; ; number++) {
        const rotated = (await size(`${name}.${number}`)) ?? (await size(`${name}.${number}.gz`));
        if (rotated === undefined) break;
        total += rotated;
      }
      found.push(total);
    }
    // If the sidecar was removed meanwhile, a missing file proves nothing.
    if ((await archive("HEAD", "")).status !== 200) throw new PortholeError("ATTACH", "its sidecar was removed");
    return found;
  });
  return sizes ?? names.map(() => 0);
}

/**
 * Returns the size of a file from the response about it; undefined if there is no such file.
 * @throws PortholeError ATTACH for any other response
 */
function sizeIn({ status, headers }: HttpResponse): number | undefined {
  if (status === 404) return undefined;
  if (status === 200) {
    try {
      const text = Buffer.from(headers.get("x-docker-container-path-stat") ?? "", "base64").toString();
      const { size } = JSON.parse(text) as { size?: unknown };
      if (typeof size === "number" && size >= 0) return size;
    } catch {
      // The error is reported below.
    }
  }
  throw new PortholeError("ATTACH", `the engine does not report the size of its log (HTTP status ${status})`);
}

/**
 * Calls `action` with a container that has the directory of the engine's storage mounted read-only.
 * It is never started, and removed at the end. Undefined if there is no such directory.
 * @throws PortholeError ATTACH, CANCELLED
 */
async function withStorage<T>(
  files: Files,
  directory: string,
  run: RunDirectory,
  options: Patience,
  action: (archive: (method: "GET" | "HEAD", name: string) => Promise<HttpResponse>) => Promise<T>,
): Promise<T | undefined> {
  const { engine, target, suffix } = files;
  const mount = { Type: "bind", Source: directory, Target: STORAGE_PLACE, ReadOnly: true };
  const host = { Mounts: [mount], SecurityOpt: ["no-new-privileges", "label=disable"] };
  const rendezvous = openRendezvous(run);
  const over = deadline(options.timeoutMs, options.signal);
  const name = sidecarName(target, run, suffix);
  await using guard = new SidecarGuard(engine);
  try {
    const how = { ...options, user: "", idleSeconds: 1, pidsLimit: 0, over, guard };
    const id = await createSidecar({ ...files, options: [], host }, run, name, rendezvous, how);
    return await action((method, file) => {
      const question = `/containers/${id}/archive?path=${encodeURIComponent(join(STORAGE_PLACE, file))}`;
      const get = method === "GET" ? httpGet : httpHead;
      return get(engine.socketPath, question, { timeoutMs: options.timeoutMs, signal: over });
    });
  } catch (error) {
    if (error instanceof EngineError && /bind source path does not exist|no such file/i.test(error.message))
      return undefined;
    throw routeError("sidecar", files.name, error, { ...options, signal: options.signal, over });
  } finally {
    rendezvous.close();
    await removeOurs(engine, name, run, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
  }
}

const STORAGE_PLACE = "/storage";
