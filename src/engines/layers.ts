import { existsSync } from "node:fs";
import type { Json } from "./engine-json.ts";
import { isCopying, type LayerDirectory, type LayerKey } from "./layer-store.ts";

/** Where the files of something that does not run lie, as the engine's side sees it. */
export interface Layers {
  /** Directories, the uppermost first; empty where the engine does not say. */
  directories: string[];
  /** What finds them in the engine's storage then. */
  key?: LayerKey | undefined;
  /** What each of them is, in words: `the container's own layer`, `image layer 3 of 5`. */
  names: string[];
  /** Volumes, bind mounts and the engine's own files, each on top of the layers at its place. */
  binds: { source: string; place: string }[];
  /** Places whose content is not there any more, and why. */
  absent: MissingPath[];
}

/** A place of which nothing is left. */
export interface MissingPath {
  path: string;
  why: string;
}

/** Of every container, whatever its engine says. */
const IN_MEMORY = ["/proc", "/sys", "/dev"];

/**
 * The layers of a container, from the answer to GET /containers/ID/json.
 * @throws PortholeError TARGET for what is of another type, with the field
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
 * The layers of an image, from the answer to GET /images/NAME/json.
 * @throws PortholeError TARGET for what is of another type, with the field
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

/** The layers of `key` once their directories are known; without directories what finds them. */
export function withDirectories(
  key: LayerKey,
  stack: readonly LayerDirectory[],
): Pick<Layers, "directories" | "names" | "key"> {
  const directories = stack.map(({ path }) => path);
  return { directories, names: layerNames(stack, key), key: stack.length === 0 ? key : undefined };
}

/** Docker 29 leaves out GraphDriver with containerd's store. */
function driverOf(json: Json): string {
  const snapshotter = json.get("Storage").get("RootFS").get("Snapshot").get("Name").text();
  return json.get("GraphDriver").get("Name").text() ?? snapshotter ?? "";
}

/** overlay2 of Docker and overlay of Podman: `UpperDir`, then what is below it. */
function layerDirectories(data: Json): LayerDirectory[] {
  const upper = data.get("UpperDir").text() ?? "";
  const lower = (data.get("LowerDir").text() ?? "").split(":");
  const paths = [upper, ...lower].filter((path) => path.startsWith("/"));
  return paths.map((path) => ({ path, isInit: /-init\/diff$/.test(path) }));
}

/** Docker puts a layer of its own, with empty places for /etc/hosts and the like, between a container's and its image's. */
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

/** Files that the engine makes for each container and mounts into it. */
function engineFiles(json: Json): EngineMount[] {
  const file = (place: string, field: string) => ({ type: "bind", source: json.get(field).text() ?? "", place });
  return [
    file("/etc/hosts", "HostsPath"),
    file("/etc/hostname", "HostnamePath"),
    file("/etc/resolv.conf", "ResolvConfPath"),
  ].filter(({ source }) => source !== "" && existsSync(source));
}

/** What is mounted on something comes after it. */
function outerFirst(a: { place: string }, b: { place: string }): number {
  return a.place.length - b.place.length;
}

/** True for a path of this machine that is not there; the engine may be elsewhere, or its directories closed to this user: then nothing is known. */
function isGoneHere(source: string): boolean {
  return process.geteuid?.() === 0 && !existsSync(source);
}

function gone(source: string, place: string): MissingPath {
  return { path: place, why: `was mounted from ${source}, which is not there any more` };
}
