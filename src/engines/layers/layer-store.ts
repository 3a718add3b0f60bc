import { createHash } from "node:crypto";
import { join } from "node:path";
import { PortholeError } from "../../errors.ts";
import type { EngineInfo } from "../api/engine-info.ts";
import { BoltError, type Bucket, openBolt } from "./bolt.ts";

/**
 * Identifies the layers of a container or image, for an engine that does not report their
 * directories.
 */
export interface LayerKey {
  /** Storage driver or snapshotter: `overlayfs`, `vfs`, `native`. */
  driver: string;
  isPodman: boolean;
  isContainer: boolean;
  /** Id of the container or image: 64 hexadecimal digits. */
  id: string;
  /** Digests of an image's layers, lowest first. */
  diffIds: string[];
}

/** A directory of the root, as the engine sees it. */
export interface LayerDirectory {
  path: string;
  /** True for Docker's init layer of empty files, between a container's layer and its image. */
  isInit: boolean;
}

/**
 * Reads a whole file of the engine's storage; undefined if it does not exist.
 * @throws PortholeError if it cannot be read
 */
export type ReadFile = (path: string) => Promise<Buffer | undefined>;

/**
 * Finds the directories of a root in the engine's storage, uppermost first. Reads containerd's
 * metadata for a snapshotter, or the files of Docker's or Podman's drivers vfs and btrfs. Undefined
 * for other drivers, and if the storage does not have the root.
 * @throws PortholeError TARGET for invalid metadata; what `read` throws
 */
export async function locateLayers(
  key: LayerKey,
  info: EngineInfo,
  read: ReadFile,
): Promise<LayerDirectory[] | undefined> {
  if (!info.rootDirectory.startsWith("/")) return undefined;
  if (info.isSnapshotter) return snapshotDirectories(key, info, read);
  const below = COMPLETE[key.driver];
  if (below === undefined) return undefined;
  const layer = await (key.isPodman ? podmanLayer : dockerLayer)(key, info.rootDirectory, read);
  if (layer === undefined || !/^[0-9a-f]{64}(-init)?$/.test(layer)) return undefined;
  return [{ path: `${info.rootDirectory}/${below}/${layer}`, isInit: false }];
}

/**
 * Drivers whose uppermost directory has every file, with the path of their layers below the root.
 */
const COMPLETE: Readonly<Record<string, string>> = { vfs: "vfs/dir", btrfs: "btrfs/subvolumes" };

/** True for a driver whose layers are complete: the uppermost directory has every file. */
export function isComplete(driver: string): boolean {
  return driver in COMPLETE || driver === "native";
}

/** Snapshotters whose snapshots are directories, by their path below `snapshots/N`. */
const SNAPSHOTTERS: Readonly<Record<string, string>> = { overlayfs: "/fs", native: "" };

/** True for a driver that is a snapshotter of containerd, by its name. */
export function isOfSnapshotter(driver: string): boolean {
  return driver in SNAPSHOTTERS;
}

/** State directories of Docker's containerd and of the system's. */
async function snapshotDirectories(
  key: LayerKey,
  { rootDirectory, containerdAddress }: EngineInfo,
  read: ReadFile,
): Promise<LayerDirectory[] | undefined> {
  const below = SNAPSHOTTERS[key.driver];
  if (below === undefined) return undefined;
  const own = join(rootDirectory, "containerd/daemon");
  const roots = containerdAddress.startsWith("/run/containerd/") ? [SYSTEM_CONTAINERD, own] : [own, SYSTEM_CONTAINERD];
  for (const root of roots) {
    const directory = join(root, `io.containerd.snapshotter.v1.${key.driver}`);
    const chain = await chainIn(join(directory, "metadata.db"), key, read);
    if (chain === undefined) continue;
    const used = isComplete(key.driver) ? chain.slice(0, 1) : chain;
    return used.map(({ id, name }) => ({
      path: `${directory}/snapshots/${id}${below}`,
      isInit: name.endsWith("-init"),
    }));
  }
  return undefined;
}

const SYSTEM_CONTAINERD = "/var/lib/containerd";

/** If containerd writes to the file during the read, reads it again. */
async function chainIn(path: string, key: LayerKey, read: ReadFile): ReturnType<typeof locateChain> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await locateChain(path, key, read);
    } catch (error) {
      if (!(error instanceof PortholeError) || !(error.cause instanceof BoltError) || attempt === ATTEMPTS) throw error;
    }
  }
}

const ATTEMPTS = 3;

async function locateChain(path: string, key: LayerKey, read: ReadFile) {
  const metadata = await read(path);
  return metadata && snapshotChain(metadata, key.isContainer ? key.id : chainId(key.diffIds));
}

/**
 * A snapshot and its parents from a snapshotter's metadata (containerd's `snapshots/storage`): a
 * bucket `NAMESPACE/NUMBER/KEY` for each, with its number and its parent's name. Undefined if the
 * key does not exist.
 * @throws PortholeError TARGET for invalid metadata
 */
export function snapshotChain(metadata: Buffer, key: string): { id: bigint; name: string }[] | undefined {
  try {
    const snapshots = openBolt(metadata).bucket("v1")?.bucket("snapshots");
    const first = snapshots?.bucketNames().find((name) => DOCKERS.test(name) && name.endsWith(`/${key}`));
    if (snapshots === undefined || first === undefined) return undefined;
    const chain: { id: bigint; name: string }[] = [];
    for (let name = first; name !== ""; ) {
      const snapshot: Bucket | undefined = snapshots.bucket(name);
      const id = snapshot?.value("id");
      if (snapshot === undefined || id === undefined) throw new BoltError(`no snapshot '${name}'`);
      if (chain.length > MAX_LAYERS) throw new BoltError("its snapshots refer to each other");
      chain.push({ id: unsignedVarint(id), name });
      name = snapshot.value("parent")?.toString() ?? "";
    }
    return chain;
  } catch (error) {
    if (!(error instanceof BoltError)) throw error;
    throw new PortholeError("TARGET", `cannot read containerd's metadata of snapshots: ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Docker's namespace of containerd, with the ids of its user namespace if it has one
 * (`--userns-remap`).
 */
const DOCKERS = /^moby(-\d+\.\d+)?\//;

/** Order of overlayfs. */
const MAX_LAYERS = 500;

/** Varint: seven bits per byte, lowest first (encoding/binary of Go). */
function unsignedVarint(bytes: Buffer): bigint {
  let value = 0n;
  for (const [index, byte] of bytes.entries()) value |= BigInt(byte & 0x7f) << BigInt(7 * index);
  return value;
}

/** Chain id of a stack of layers, from their digests (image-spec, "Layer ChainID"). */
function chainId(diffIds: readonly string[]): string {
  return diffIds.reduce((chain, diffId) => {
    if (chain === "") return diffId;
    return `sha256:${createHash("sha256").update(`${chain} ${diffId}`).digest("hex")}`;
  }, "");
}

/** `layerdb/mounts/ID/mount-id` for a container, `layerdb/sha256/CHAIN/cache-id` for an image. */
async function dockerLayer(key: LayerKey, root: string, read: ReadFile): Promise<string | undefined> {
  const database = `${root}/image/${key.driver}/layerdb`;
  const path = key.isContainer
    ? `${database}/mounts/${key.id}/mount-id`
    : `${database}/${chainId(key.diffIds).replace(":", "/")}/cache-id`;
  return (await read(path))?.toString().trim();
}

/** The list that names the layer, for containers and for images. */
async function podmanLayer(key: LayerKey, root: string, read: ReadFile): Promise<string | undefined> {
  const kind = key.isContainer ? "containers" : "images";
  const list = await read(`${root}/${key.driver}-${kind}/${kind}.json`);
  const layer = list && entries(list).find(({ id }) => id === key.id)?.layer;
  return typeof layer === "string" ? layer : undefined;
}

function entries(list: Buffer): { id?: unknown; layer?: unknown }[] {
  try {
    const parsed: unknown = JSON.parse(list.toString());
    return Array.isArray(parsed) ? parsed.filter((entry) => typeof entry === "object" && entry !== null) : [];
  } catch {
    return [];
  }
}
