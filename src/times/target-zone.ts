import { readFileSync } from "node:fs";
import { readOr } from "../errors.ts";
import { posixZone } from "./posix-zone.ts";
import { tzifZone } from "./tzif.ts";
import { namedZone, systemZone, utc, type Zone } from "./zone.ts";

/** The part of a session that {@link targetZone} needs. */
export interface ZoneFiles {
  /** Container name or `pid:N`. */
  readonly name: string;
  /** `local` for this machine. */
  readonly route: string;
  readlink(path: string): Promise<string>;
  open(path: string): Promise<ZoneFile>;
}

interface ZoneFile {
  readonly kind: string;
  readonly isSeekable: boolean;
  /** pread(2). Returns the number of bytes; 0 at the end. */
  read(buffer: Uint8Array, position: number): number;
  close(): void;
}

/**
 * Maximum bytes of a file that is read. A compiled zone has a few KiB, an environment rarely more.
 */
const MAX_BYTES = 256 * 1024;

const found = new WeakMap<ZoneFiles, Promise<Zone>>();

/**
 * Finds the zone of timestamps without a zone in a target, as a C library does. Tries `TZ` of its
 * first process (or of the process that is the target), /etc/localtime and /etc/timezone; the
 * default is UTC. For this machine, returns its own zone. Ignores unreadable files; never rejects.
 */
export function targetZone(session: ZoneFiles): Promise<Zone> {
  const known = found.get(session);
  if (known !== undefined) return known;
  const zone = findZone(session);
  found.set(session, zone);
  return zone;
}

async function findZone(session: ZoneFiles): Promise<Zone> {
  if (session.route === "local") return systemZone;
  const environment = ofProcess(session.name) ?? (await content(session, "/proc/1/environ"));
  const variable = environment && /(?:^|\0)TZ=([^\0]*)/.exec(environment.toString("latin1"))?.[1];
  if (variable !== undefined) return (await zoneOfVariable(session, variable)) ?? utc;
  return (await zoneOfFile(session, "/etc/localtime")) ?? (await zoneNamedIn(session, "/etc/timezone")) ?? utc;
}

/** Reads the environment of a process target, because its namespaces may have no first process. */
function ofProcess(name: string): Buffer | undefined {
  const pid = /^pid:(\d+)$/.exec(name)?.[1];
  if (pid === undefined) return undefined;
  return readOr(undefined, () => readFileSync(`/proc/${pid}/environ`));
}

/** Returns the zone of `TZ`. An invalid value means UTC (tzset(3)). */
async function zoneOfVariable(session: ZoneFiles, value: string): Promise<Zone | undefined> {
  const name = value.replace(/^:/, "");
  if (name === "") return utc;
  if (name.startsWith("/")) return zoneOfFile(session, name);
  return namedZone(name) ?? posixZone(name) ?? zoneOfFile(session, `/usr/share/zoneinfo/${name}`);
}

/** Determines the zone by the link's name in the tz database, else by the file's content. */
async function zoneOfFile(session: ZoneFiles, path: string): Promise<Zone | undefined> {
  const target = await session.readlink(path).catch(() => path);
  const name = /\/zoneinfo\/(?:posix\/|right\/)?([^\0]+)$/.exec(target)?.[1];
  const named = name === undefined ? undefined : namedZone(name);
  if (named !== undefined) return named;
  const bytes = await content(session, path);
  return bytes && tzifZone(bytes, name ?? path);
}

async function zoneNamedIn(session: ZoneFiles, path: string): Promise<Zone | undefined> {
  const text = (await content(session, path))?.toString("latin1");
  return text === undefined ? undefined : namedZone(text.trim());
}

/** The start of a file; undefined if it is not a readable regular file with positions. */
async function content(session: ZoneFiles, path: string): Promise<Buffer | undefined> {
  const file = await session.open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    if (file.kind !== "file" || !file.isSeekable) return undefined;
    const buffer = Buffer.alloc(MAX_BYTES);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = file.read(buffer.subarray(length), length);
    return buffer.subarray(0, length);
  } catch {
    return undefined;
  } finally {
    file.close();
  }
}
