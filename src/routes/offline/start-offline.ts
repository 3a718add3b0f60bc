import { existsSync, readFileSync } from "node:fs";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { engineGet, refusedBy } from "../../engines/api/engine.ts";
import { engineAddress } from "../../engines/api/engine-address.ts";
import { decodeInfo, type EngineInfo } from "../../engines/api/engine-info.ts";
import { isOfSnapshotter, type LayerKey, locateLayers, type ReadFile } from "../../engines/layers/layer-store.ts";
import { type Bind, type Layers, withDirectories, withoutGone } from "../../engines/layers/layers.ts";
import { PortholeError } from "../../errors.ts";
import type { AgentRoute } from "../../protocol/agent-info.ts";
import { installAgent } from "../agents/agent-program.ts";
import { ATTACH_TIMEOUT_MS, type Attachment, type StartOptions } from "../agents/attachment.ts";
import { type EnginePaths, enginePaths } from "../agents/engine-process.ts";
import { TargetChangedError } from "../agents/route-error.ts";
import type { RunDirectory } from "../run-directory/run-dir.ts";
import type { Sidecar } from "../sidecar/sidecar-description.ts";
import { attachChild } from "../start/direct.ts";
import {
  type AgentOrigin,
  allRoutesFailed,
  idleSecondsOf,
  noRouteForPods,
  startAgent,
  toAttachError,
} from "../start/start.ts";
import { NoOfflineRouteError, type OfflineTarget } from "./offline-target.ts";

/**
 * Starts an agent for an offline target on the first of `routes` that works.
 * @throws PortholeError ATTACH with every route's reason; TARGET if the target is gone; CANCELLED
 */
export async function startOffline(
  files: OfflineTarget,
  routes: readonly AgentRoute[],
  run: RunDirectory,
  options: StartOptions,
): Promise<Attachment> {
  // Subscribes before it requests the layers, so that no change is missed.
  using witness = await files.witness(options.signal);
  const layers = await files.layers(options.signal);
  const failures: { route: AgentRoute; error: PortholeError }[] = [];
  for (const route of routes) {
    try {
      return await unchanged(files, await startOn(route, files, layers, witness, run, options), options);
    } catch (error) {
      if (error instanceof TargetChangedError || (error instanceof PortholeError && error.code === "CANCELLED"))
        throw error;
      failures.push({ route, error: toAttachError(error) });
    }
  }
  throw new NoOfflineRouteError(files, allRoutesFailed(failures));
}

/**
 * Without events, checks the state again: no change happened between the first check and the mount.
 */
async function unchanged(files: OfflineTarget, attachment: Attachment, options: StartOptions): Promise<Attachment> {
  const { noEvents } = files;
  if (noEvents === undefined) return attachment;
  try {
    await files.layers(options.signal);
  } catch (error) {
    attachment.socket.close();
    throw error;
  }
  return { ...attachment, noEvents };
}

async function startOn(
  route: AgentRoute,
  files: OfflineTarget,
  known: Layers,
  witness: OwnedFd | undefined,
  run: RunDirectory,
  options: StartOptions,
): Promise<Attachment> {
  const layers = await layersFor(route, files, known, run, options);
  return withoutMissing(layers, (present) => startWith(route, files, present, witness, run, options));
}

function startWith(
  route: AgentRoute,
  files: OfflineTarget,
  layers: LocatedLayers,
  witness: OwnedFd | undefined,
  run: RunDirectory,
  options: StartOptions,
): Promise<Attachment> {
  const { identity, generation, name, engine } = files;
  // Without a process there are no mounts to read.
  const origin: AgentOrigin = {
    ...{ identity, generation, route, user: "", name, engine: engineAddress(engine), targetPid: 0 },
    ...{ layers: layers.roles, absent: layers.absent },
  };
  return startAgent(run, origin, options, async (listen, wait) => {
    const idleSeconds = files.singleSession ? 1 : idleSecondsOf(options);
    if (route === "direct") {
      const how = [...layerOptions(layers), "--idle", String(idleSeconds)];
      return attachChild(`'${name}'`, how, listen, wait, witness);
    }
    installAgent(run);
    const { runSidecar } = await import("../sidecar/sidecar.ts");
    return runSidecar(withLayers(files, layers), run, listen(), { ...wait, user: "", idleSeconds, witness });
  });
}

/**
 * Returns the layers that `route` can read.
 * @throws PortholeError ATTACH if it cannot read them
 */
export async function layersFor(
  route: AgentRoute,
  files: OfflineTarget,
  known: Layers,
  run: RunDirectory,
  options: StartOptions,
): Promise<LocatedLayers> {
  if (files.engine.isCri && route !== "direct") throw noRouteForPods();
  const paths = route === "direct" ? enginePathsOf(files) : undefined;
  const located = await locate(files, known, paths, run, options);
  const layers = paths === undefined ? located : presentIn(located, paths);
  if (paths !== undefined) checkHere(files, layers, paths);
  return { ...layers, agentOptions: paths?.options ?? [] };
}

/** Only root can see every source. Any agent skips a source that does not exist. */
function presentIn(layers: Layers, paths: EnginePaths): Layers {
  return process.geteuid?.() === 0 ? withoutGone(layers, (source) => !existsSync(paths.path(source))) : layers;
}

/**
 * Calls `attempt` with the layers. If an engine then reports that the source of a bind does not
 * exist, calls it again without that bind.
 * @throws what `attempt` throws
 */
export async function withoutMissing<L extends Layers, T>(layers: L, attempt: (layers: L) => Promise<T>): Promise<T> {
  try {
    return await attempt(layers);
  } catch (error) {
    const { message } = error as Error;
    if (!/source path does not exist|statfs|no such file/i.test(message)) throw error;
    const isNamed = (source: string) =>
      message
        .replaceAll(/[:,"'\s]+/g, " ")
        .concat(" ")
        .includes(` ${source} `);
    const rest = withoutGone(layers, isNamed);
    if (rest === layers) throw error;
    return withoutMissing(rest, attempt);
  }
}

/** Layers, and further options of their agent. */
export interface LocatedLayers extends Layers {
  agentOptions: string[];
}

/**
 * Returns the layers with their directories. If the engine does not report the directories, reads
 * its storage by the same route.
 */
async function locate(
  files: OfflineTarget,
  layers: Layers,
  paths: EnginePaths | undefined,
  run: RunDirectory,
  options: StartOptions,
): Promise<Layers> {
  const { key } = layers;
  if (key === undefined) return layers;
  const { engine, identity, name } = files;
  const wait = { timeoutMs: options.timeoutMs ?? ATTACH_TIMEOUT_MS, signal: options.signal };
  const answer = await engineGet(engine, "/info", wait);
  const isTold = answer.status === 200;
  const info = isTold ? decodeInfo(answer.body, answer.request) : usualStorage(key, layers.binds);
  const read: ReadFile =
    paths === undefined
      ? async (path) =>
          (await import("../sidecar/storage-sidecar.ts")).readEngineFile(
            { engine, target: identity, name },
            path,
            run,
            wait,
          )
      : async (path) => (paths.isEngines(path) ? readIfThere(paths.path(path)) : undefined);
  const found = await locateLayers(key, info, read);
  // A sidecar can be a container of the image itself.
  const isNeeded = paths !== undefined || files.isImage !== true;
  if (found === undefined && !isTold && isNeeded) throw refusedBy(engine, answer, "report where its storage is");
  return found === undefined ? layers : { ...layers, ...withDirectories(key, found) };
}

/**
 * The storage of an engine that does not report it. The engine's own files in a container show its
 * directory. Ids and digests of layers are unique, so another engine's storage cannot match.
 */
function usualStorage({ driver, isPodman, id }: LayerKey, binds: readonly Bind[]): EngineInfo {
  const inside = `/containers/${id}/`;
  const known = binds.find(({ source }) => source.includes(inside))?.source;
  const usual = isPodman ? "/var/lib/containers/storage" : "/var/lib/docker";
  return {
    ...{ version: "", kernelVersion: "", operatingSystem: "", securityOptions: [], containerdAddress: "" },
    rootDirectory: known === undefined || isPodman ? usual : known.slice(0, known.indexOf(inside)),
    isSnapshotter: !isPodman && isOfSnapshotter(driver),
  };
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Options of an agent whose root is made of layers. */
export function layerOptions({
  directories,
  binds,
  agentOptions,
}: Pick<LocatedLayers, "directories" | "binds" | "agentOptions">): string[] {
  return [
    ...agentOptions,
    ...directories.flatMap((path) => ["--layer", path]),
    ...binds.flatMap(({ source, destination }) => ["--bind", source, "--at", destination]),
  ];
}

/**
 * Describes a sidecar with each layer and volume mounted at a separate path. The agent builds the
 * root from these mounts.
 */
export function withLayers(files: OfflineTarget, { directories, binds }: Layers): Sidecar {
  const { engine, identity, name, volume } = files;
  if (directories.length === 0 && files.isImage) return ofImage(files);
  if (directories.length === 0)
    throw new PortholeError("ATTACH", `the engine does not report where the layers of '${name}' are`);
  const layers = directories.map((source, index) => ({ source: volume ?? source, destination: `/layers/${index}` }));
  const volumes = binds.map(({ source }, index) => ({ source, destination: `/volumes/${index}` }));
  // An engine would create the missing source of a member of `Binds`.
  const Mounts = volumes.map(({ source: Source, destination: Target }) => ({
    ...{ Type: "bind", Source, Target, ReadOnly: true },
  }));
  return {
    ...{ engine, target: identity, name },
    options: layerOptions({
      directories: layers.map(({ destination }) => destination),
      binds: binds.map(({ destination }, index) => ({ source: volumes[index]?.destination ?? "", destination })),
      agentOptions: [],
    }),
    binds: layers.map(({ source, destination }) => `${source}:${destination}:ro`),
    host: { ...OFFLINE_HOST, Mounts },
  };
}

/**
 * Describes a container of the image itself, in which only the agent runs. The agent's root is the
 * container's without the mounts on it.
 */
function ofImage({ engine, identity, name }: OfflineTarget): Sidecar {
  const options = layerOptions({ directories: ["/"], binds: [], agentOptions: [] });
  return { engine, target: identity, name, options, host: OFFLINE_HOST, image: identity };
}

const OFFLINE_HOST = {
  // Layers have owners of the engine's own user namespace, independent of the containers' one.
  UsernsMode: "host",
  // SYS_ADMIN is for the overlay. DAC_OVERRIDE is for files of every owner and for connecting to
  // the rendezvous.
  CapAdd: ["SYS_ADMIN", "SYS_CHROOT", "DAC_OVERRIDE"],
  SecurityOpt: ["no-new-privileges", "label=disable", "apparmor=unconfined"],
};

/**
 * Returns how this process reaches the engine's directories. Throws ATTACH if it may not read the
 * layers.
 */
function enginePathsOf(files: OfflineTarget): EnginePaths {
  const paths = enginePaths(files.engine);
  if (paths === undefined)
    throw notInPlace(files, "its layers belong to another user", "run as root or as the engine's user");
  return paths;
}

function notInPlace({ name }: OfflineTarget, why: string, hint?: string): PortholeError {
  return new PortholeError("ATTACH", `cannot read '${name}' in place: ${why}`, { hint });
}

/** Throws ATTACH if the engine's paths have another meaning for this process. */
function checkHere(files: OfflineTarget, layers: Layers, paths: EnginePaths): void {
  const [first] = layers.directories;
  if (first === undefined) throw notInPlace(files, "the engine does not report where its layers are");
  if (files.volume !== undefined) throw notInPlace(files, "the engine mounts it only for its containers");
  const elsewhere = [first, ...layers.binds.map(({ source }) => source)].find((path) => !paths.isEngines(path));
  if (elsewhere !== undefined) throw notInPlace(files, `the engine's ${elsewhere} is not on this machine`);
}
