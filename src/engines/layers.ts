import { existsSync } from "node:fs";
import type { Json } from "./engine-json.ts";

/** Where the files of something that does not run lie, as the engine's side sees it. */
export interface Layers {
  /** Directories, the uppermost first; empty where the engine does not say. */
  directories: string[];
  /** What each of them is, in words: `the container's own layer`, `image layer 3 of 5`. */
  names: string[];
  /** Volumes, bind mounts and the engine's own files, each on top of the layers at its place. */
  binds: { source: string; place: string }[];
  /** Places whose content is not there any more, and why. */
  absent: Absent[];
}

/** A place of which nothing is left. */
export interface Absent {
  path: string;
  why: string;
}

/** Of every container, whatever its engine says. */
const IN_MEMORY = ["/proc", "/sys", "/dev"];

/**
 * The layers of a container, from the answer to GET /containers/ID/json.
 * @throws PortholeError TARGET for what is of another type, with the field
 */
export function containerLayers(json: Json): Layers {
  const directories = layerDirectories(json.get("GraphDriver").get("Data"));
  const mounts = json.get("Mounts").list().map(mountOf);
  const binds = [...mounts.filter(({ type }) => type !== "tmpfs"), ...engineFiles(json)];
  const present = binds.filter(({ source, place }) => source !== "" && place !== "");
  const inMemory = new Set([
    ...IN_MEMORY,
    ...Object.keys(json.get("HostConfig").get("Tmpfs").record()),
    ...mounts.filter(({ type }) => type === "tmpfs").map(({ place }) => place),
  ]);
  return {
    directories,
    names: layerNames(directories, true),
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
export function imageLayers(json: Json): Layers {
  const directories = layerDirectories(json.get("GraphDriver").get("Data"));
  return { directories, names: layerNames(directories, false), binds: [], absent: [] };
}

/** overlay2 of Docker and overlay of Podman: `UpperDir`, then what is below it. */
function layerDirectories(data: Json): string[] {
  const upper = data.get("UpperDir").text() ?? "";
  const lower = (data.get("LowerDir").text() ?? "").split(":");
  return [upper, ...lower].filter((path) => path.startsWith("/"));
}

/** Docker puts a layer of its own, with empty places for /etc/hosts and the like, between a container's and its image's. */
function layerNames(directories: readonly string[], isContainer: boolean): string[] {
  const isInit = (path: string | undefined) => /-init\/diff$/.test(path ?? "");
  const images = directories.filter((path, index) => !isInit(path) && !(isContainer && index === 0));
  return directories.map((path, index) => {
    if (isContainer && index === 0) return "the container's own layer";
    if (isInit(path)) return "the engine's layer of empty places";
    return `image layer ${images.length - images.indexOf(path)} of ${images.length}`;
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

function gone(source: string, place: string): Absent {
  return { path: place, why: `was mounted from ${source}, which is not there any more` };
}
