import { existsSync, readFileSync } from "node:fs";
import type { Json } from "../api/engine-json.ts";
import { isComplete, type LayerDirectory, type LayerKey } from "./layer-store.ts";

/** Where the files of an offline target are, as the engine sees them. */
export interface Layers {
  /** Directories, uppermost first; empty if the engine does not report them. */
  directories: string[];
  /**
   * Key for finding the directories in the engine's storage, if the engine does not report them.
   */
  key?: LayerKey | undefined;
  /** The role of each directory. */
  roles: LayerRole[];
  /**
   * Volumes, bind mounts and the engine's own files, each on top of the layers at its destination.
   */
  binds: Bind[];
  /** Paths whose content no longer exists, with the reason. */
  absent: MissingPath[];
}

/** A directory or file of the engine's machine, and its path in the container. */
export interface Bind {
  source: string;
  destination: string;
}

/**
 * The role of a layer. `container`: the container's own changes; `mounts`: Docker's mount points,
 * for /etc/hosts and the like; `image`: layer `number` of `count` of the image, from the lowest, 1;
 * `copy`: one directory with all layers, of a driver whose layers are complete; `volume`. `number`
 * and `count` are 0 for other roles than `image`.
 */
export interface LayerRole {
  kind: "container" | "mounts" | "image" | "copy" | "volume";
  number: number;
  count: number;
}

/** A path whose content no longer exists. */
export interface MissingPath {
  path: string;
  why: string;
}

/** Paths that are in memory in every container. */
const IN_MEMORY = ["/proc", "/sys", "/dev"];

/**
 * Layers of a container, from the response to GET /containers/ID/json.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function containerLayers(json: Json, isPodman: boolean): Layers {
  const mounts = json.get("Mounts").list().map(mountOf);
  const binds = [...mounts.filter(({ type }) => type !== "tmpfs"), ...engineFiles(json, isPodman)];
  const present = binds.filter(({ source, destination }) => source !== "" && destination !== "");
  const inMemory = new Set([
    ...IN_MEMORY,
    ...Object.keys(json.get("HostConfig").get("Tmpfs").record()),
    ...mounts.filter(({ type }) => type === "tmpfs").map(({ destination }) => destination),
  ]);
  const key = { driver: driverOf(json), isPodman, isContainer: true, id: json.get("Id").text() ?? "", diffIds: [] };
  return {
    ...withDirectories(key, layerDirectories(json.get("GraphDriver").get("Data"))),
    binds: present.map(({ source, destination }) => ({ source, destination })).sort(outerFirst),
    absent: [...inMemory].map((path) => ({ path, why: "was in memory" })),
  };
}

/**
 * Layers of an image, from the response to GET /images/NAME/json.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function imageLayers(json: Json, id: string, isPodman: boolean): Layers {
  const layers = json.get("RootFS").get("Layers").list();
  const diffIds = layers.map((layer) => layer.text() ?? "");
  const key = { driver: driverOf(json), isPodman, isContainer: false, id, diffIds };
  return {
    ...withDirectories(key, layerDirectories(json.get("GraphDriver").get("Data"))),
    binds: [],
    absent: [],
  };
}

/**
 * Returns the directories of a container's root and their roles; empty if the container's
 * inspection does not have them.
 */
export function rootLayers(json: Json, isPodman: boolean): Pick<Layers, "directories" | "roles"> {
  const key = { driver: driverOf(json), isPodman, isContainer: true, id: "", diffIds: [] };
  return withDirectories(key, layerDirectories(json.get("GraphDriver").get("Data")));
}

/** Returns the layers of a root that is one directory with all files. */
export function directoryAlone(path: string): Pick<Layers, "directories" | "roles" | "key"> {
  return { directories: [path], roles: [{ kind: "copy", number: 0, count: 0 }], key: undefined };
}

/**
 * Returns the directories and their roles. If there are no directories, returns `key` to find them.
 */
export function withDirectories(
  key: LayerKey,
  stack: readonly LayerDirectory[],
): Pick<Layers, "directories" | "roles" | "key"> {
  const directories = stack.map(({ path }) => path);
  return { directories, roles: rolesOf(stack, key), key: stack.length === 0 ? key : undefined };
}

/**
 * Drivers whose layers the kernel reads from local disks. If a program serves the whole root
 * (fuse-overlayfs), the mount type shows it.
 */
const LOCAL_DRIVERS = new Set(
  "overlay overlay2 overlayfs native vfs btrfs zfs aufs devicemapper devmapper blockfile erofs fuse-overlayfs".split(
    " ",
  ),
);

/**
 * The driver of a container or image if a read may wait for a program. Lazy snapshotters (stargz,
 * nydus, overlaybd) have FUSE below the engine's overlay, and the overlay's mount does not show
 * that. Undefined for known local drivers, and if the engine reports no driver.
 */
export function lazyDriver(json: Json): string | undefined {
  return lazyDriverNamed(driverOf(json));
}

/** Like {@link lazyDriver}, from the name of a driver or snapshotter; empty if unknown. */
export function lazyDriverNamed(driver: string): string | undefined {
  return driver === "" || LOCAL_DRIVERS.has(driver) ? undefined : driver;
}

/** Docker 29 omits GraphDriver with containerd's store. */
function driverOf(json: Json): string {
  const snapshotter = json.get("Storage").get("RootFS").get("Snapshot").get("Name").text();
  return json.get("GraphDriver").get("Name").text() ?? snapshotter ?? "";
}

/** overlay2 of Docker and overlay of Podman: `UpperDir`, then the layers below. */
function layerDirectories(data: Json): LayerDirectory[] {
  const upper = data.get("UpperDir").text() ?? "";
  const lower = (data.get("LowerDir").text() ?? "").split(":");
  const paths = [upper, ...lower].filter((path) => path.startsWith("/"));
  return paths.map((path) => ({ path, isInit: /-init\/diff$/.test(path) }));
}

function rolesOf(stack: readonly LayerDirectory[], { isContainer, driver }: LayerKey): LayerRole[] {
  if (isComplete(driver)) return stack.map(() => ({ kind: "copy", number: 0, count: 0 }));
  const images = stack.filter(({ isInit }, index) => !isInit && !(isContainer && index === 0));
  return stack.map((directory, index) => {
    const number = images.length - images.indexOf(directory);
    if (isContainer && index === 0) return { kind: "container", number: 0, count: 0 };
    if (directory.isInit) return { kind: "mounts", number: 0, count: 0 };
    return { kind: "image", number, count: images.length };
  });
}

interface EngineMount {
  type: string;
  source: string;
  destination: string;
}

function mountOf(json: Json): EngineMount {
  return {
    type: json.get("Type").text() ?? "",
    source: json.get("Source").text() ?? "",
    destination: json.get("Destination").text() ?? "",
  };
}

/** Returns the files that the engine creates and mounts into each container. */
function engineFiles(json: Json, isPodman: boolean): EngineMount[] {
  const file = (destination: string, field: string) => ({
    type: "bind",
    source: json.get(field).text() ?? "",
    destination,
  });
  return [
    file("/etc/hosts", "HostsPath"),
    file("/etc/hostname", "HostnamePath"),
    file("/etc/resolv.conf", "ResolvConfPath"),
  ].filter(({ source }) => source !== "" && (!isPodman || existsSync(source) || hasRunSinceBoot(json)));
}

/**
 * False if the machine has started since the container's last run. Podman's files of it are then
 * gone, and Podman creates directories of the same names if a sidecar mounts them.
 */
function hasRunSinceBoot(json: Json): boolean {
  const booted = Date.now() - Number.parseFloat(readFileSync("/proc/uptime", "latin1")) * 1_000;
  return Date.parse(json.get("State").get("FinishedAt").text() ?? "") > booted;
}

function outerFirst(a: { destination: string }, b: { destination: string }): number {
  return a.destination.length - b.destination.length;
}

/** Returns the layers without the binds whose source no longer exists; their paths are absent. */
export function withoutGone<L extends Layers>(layers: L, isGone: (source: string) => boolean): L {
  const gone = layers.binds.filter(({ source }) => isGone(source));
  if (gone.length === 0) return layers;
  return {
    ...layers,
    binds: layers.binds.filter((bind) => !gone.includes(bind)),
    absent: [
      ...layers.absent,
      ...gone.map(({ source, destination }) => ({
        path: destination,
        why: `was mounted from ${source}, which no longer exists`,
      })),
    ],
  };
}
