import type { OwnedFd } from "../descriptors/owned-fd.ts";
import type { Layers } from "../engines/layers.ts";
import { PortholeError } from "../errors.ts";
import type { AgentRoute } from "../protocol/facts.ts";
import type { Attached, AttachOptions } from "./attachment.ts";
import { attachChild } from "./direct.ts";
import { enginePid, isSameThere } from "./engine-place.ts";
import type { FilesAtRest } from "./files-at-rest.ts";
import { Changed } from "./route-error.ts";
import type { RunDirectory } from "./run-dir.ts";
import { type AgentOrigin, allFailed, asAttachError, idle, startAgent } from "./start.ts";

/**
 * Starts an agent for the files of something that does not run, on the first of `routes` that goes.
 * @throws PortholeError ATTACH with every route's reason; TARGET when it is gone; CANCELLED
 */
export async function startAtRest(
  files: FilesAtRest,
  routes: readonly AgentRoute[],
  run: RunDirectory,
  options: AttachOptions,
): Promise<Attached> {
  // Heard of from here on: what the layers are is asked after it.
  const witness = await files.witness(options.signal);
  try {
    const layers = await files.layers(options.signal);
    const failures: { route: AgentRoute; error: PortholeError }[] = [];
    for (const route of routes) {
      try {
        return await startOn(route, files, layers, witness, run, options);
      } catch (error) {
        if (error instanceof Changed || (error instanceof PortholeError && error.code === "CANCELLED")) throw error;
        failures.push({ route, error: asAttachError(error) });
      }
    }
    throw allFailed(failures);
  } finally {
    witness?.close();
  }
}

function startOn(
  route: AgentRoute,
  files: FilesAtRest,
  layers: Layers,
  witness: OwnedFd | undefined,
  run: RunDirectory,
  options: AttachOptions,
): Promise<Attached> {
  const { identity, generation, name, engine } = files;
  // No process: there are no mounts of one to ask for.
  const origin: AgentOrigin = {
    ...{ identity, generation, route, user: "", name, engine: engine.socketPath, targetPid: 0 },
    ...{ layers: layers.names, absent: layers.absent },
  };
  return startAgent(run, origin, options, async (listen, wait) => {
    if (route !== "direct") throw new PortholeError("ATTACH", `'${name}' does not run`);
    checkHere(files, layers);
    return attachChild(`'${name}'`, layerOptions(layers, files.isForOne ? 1 : idle(options)), listen, wait, witness);
  });
}

/** Options of an agent whose root is made of layers. */
function layerOptions({ directories, binds }: Layers, idleSeconds: number): string[] {
  return [
    ...directories.flatMap((path) => ["--layer", path]),
    ...binds.flatMap(({ source, place }) => ["--bind", source, "--at", place]),
    ...["--idle", String(idleSeconds)],
  ];
}

/** Throws ATTACH where this process cannot read the layers, or the engine's paths mean something else here. */
function checkHere({ engine, name }: FilesAtRest, layers: Layers): void {
  const fail = (why: string, hint?: string) =>
    new PortholeError("ATTACH", `cannot read '${name}' in place: ${why}`, { hint });
  if (process.geteuid?.() !== 0) throw fail("its layers are root's", "run as root");
  const [first] = layers.directories;
  if (first === undefined) throw fail("the engine does not say where its layers are");
  const pid = enginePid(engine);
  const elsewhere = [first, ...layers.binds.map(({ source }) => source)].find((path) => !isSameThere(pid, path));
  if (elsewhere !== undefined) throw fail(`the engine's ${elsewhere} is not on this machine`);
}
