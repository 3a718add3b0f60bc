import { existsSync } from "node:fs";
import type { Json } from "./engine-json.ts";
import { isCopying, type LayerDirectory, type LayerKey } from "./layer-store.ts";

/** Where the files of an offline target are, as the engine sees them. */
export interface Layers {
  /** Directories, uppermost first; empty if the engine does not report them. */
  directories: string[];
  /** Finds the directories in the engine's storage then. */
  key?: LayerKey | undefined;
  /** Description of each: `the container's own layer`, `image layer 3 of 5`. */
  names: string[];
  /** Volumes, bind mounts and the engine's own files, each mounted on the layers at `place`. */
  binds: { source: string; place: string }[];
  /** Paths whose content does not exist any more, with the reason. */
  absent: MissingPath[];
}

/** A path whose content does not exist any more. */
export interface MissingPath {
  path: string;
  why: string;
}

/** In memory in every container. */
const IN_MEMORY = ["/proc", "/sys", "/dev"];

/**
 * Layers of a container, from the response to GET /containers/ID/json.
 * @throws PortholeError TARGET for a field of the wrong type, with its name
 */
export function containerLayers(json: Json, isPodman: boolean): Layers {
  const mounts = json.get("Mounts").list().map(mountOf);
  const binds = [...mounts.filter(({ type }) => type !== "tmpfs"), ...engineFiles(json)];
  const present = binds.filter(({ source, place }) => source !== "" && place !== "");
  const inMemory = new Set([
    ...IN_MEMORY,
    ...Object.keys(json.get("HostConfig").get("Tmpfs").record()),
    ...mounts.filter(({ type }) => type === "tmpfs").map(({ place }) => place),
  ]);
  const key = { driver: driverOf(json), isPodman, isContainer: true, id: json.get("Id").text() ?? "", diffIds: [] };
  return {
    ...withDirectories(key, layerDirectories(json.get("GraphDriver").get("Data"))),
    binds: present.map(({ source, place }) => ({ source, place })).sort(outerFirst),
    absent: [
      ...[...inMemory].map((path) => ({ path, why: "was in memory" })),
      ...present.filter(({ source }) => isGoneHere(source)).map(({ source, place }) => gone(source, place)),
    ],
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

/** The layers with their directories, or with the key that finds them. */
export function withDirectories(
  key: LayerKey,
  stack: readonly LayerDirectory[],
): Pick<Layers, "directories" | "names" | "key"> {
  const directories = stack.map(({ path }) => path);
  return { directories, names: layerNames(stack, key), key: stack.length === 0 ? key : undefined };
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

/**
 * Docker adds an init layer with empty files for /etc/hosts and similar between a container's and
 * its image's layers.
 */
function layerNames(stack: readonly LayerDirectory[], { isContainer, driver }: LayerKey): string[] {
  if (isCopying(driver))
    return stack.map(() => (isContainer ? "the container's copy of its image" : "the image's files"));
  const images = stack.filter(({ isInit }, index) => !isInit && !(isContainer && index === 0));
  return stack.map((directory, index) => {
    if (isContainer && index === 0) return "the container's own layer";
    if (directory.isInit) return "the engine's layer of empty places";
    return `image layer ${images.length - images.indexOf(directory)} of ${images.length}`;
  });
}

interface EngineMount {
  type: string;
  source: string;
  place: string;
}

function mountOf(json: Json): EngineMount {
  return {
    type: json.get("Type").text() ?? "",
    source: json.get("Source").text() ?? "",
    place: json.get("Destination").text() ?? "",
  };
}

/** Files that the engine creates and mounts into each container. */
function engineFiles(json: Json): EngineMount[] {
  const file = (place: string, field: string) => ({ type: "bind", source: json.get(field).text() ?? "", place });
  return [
    file("/etc/hosts", "HostsPath"),
    file("/etc/hostname", "HostnamePath"),
    file("/etc/resolv.conf", "ResolvConfPath"),
  ].filter(({ source }) => source !== "" && existsSync(source));
}

/** Outer mounts first. */
function outerFirst(a: { place: string }, b: { place: string }): number {
  return a.place.length - b.place.length;
}

/**
 * True if a path does not exist on this machine. False if that cannot be known: the engine may be
 * elsewhere, or its directories not readable by this user.
 */
function isGoneHere(source: string): boolean {
  return process.geteuid?.() === 0 && !existsSync(source);
}

function gone(source: string, place: string): MissingPath {
  return { path: place, why: `was mounted from ${source}, which is not there any more` };
}
