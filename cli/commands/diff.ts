import { isTerminal } from "../../src/descriptors/index.ts";
import { type ContainerChange, containerChanges } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { FileStat } from "../../src/protocol/index.ts";
import { kindOf, type Session } from "../../src/sessions/index.ts";
import { parseSessionTarget, pathBytes } from "../../src/target.ts";
import { complain, printable } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { humanSize } from "../ls/sizes.ts";
import { isoTime } from "../ls/times.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";

export interface DiffOptions extends ConnectionOptions {
  json?: boolean;
  human?: boolean;
}

/** `porthole diff`: lists what a container changed, added and deleted compared with its image. */
export async function diff(container: string, options: DiffOptions): Promise<number> {
  const target = parseSessionTarget(container);
  if (target.kind !== "container") {
    throw new PortholeError("USAGE", `cannot compare '${container}': it is not a container`, {
      hint: "porthole diff CONTAINER",
    });
  }
  using sessions = new SessionPool(options);
  // Connects to the files at the same time, because the engine's comparison is slow.
  const reached = sessions.session(target);
  reached.catch(() => undefined);
  const { changes, mounts } = await containerChanges(target.name, options);
  const named = await withExactNames(reached, changes);
  const stats = await statsOf(reached, named);
  const show = await pathFormat(options);
  const lines = named.map(({ kind, path }, index) => {
    const found = stats[index];
    return options.json ? jsonLine(record(target.name, kind, path, found)) : line(kind, show(path), found, options);
  });
  for (let at = 0; at < lines.length; at += AT_ONCE) write(pathBytes(lines.slice(at, at + AT_ONCE).join("")));
  // Docker's own diff leaves them out silently; a script needs no reminder in each run.
  if (mounts.length > 0 && !options.json && isTerminal(1)) {
    const mounted = mounts.map(({ destination, what }) => `${destination} (${what})`);
    complain(printable(`not compared: ${mounted.join(", ")}`));
  }
  return 0;
}

/** Returns a format that prints exact paths to a pipe or file, and sanitised ones to a terminal. */
async function pathFormat({ json }: DiffOptions): Promise<(path: string) => string> {
  if (json || !isTerminal(1)) return (path) => path;
  const { sanitiseText } = await import("../../src/text/index.ts");
  return sanitiseText;
}

/** What an engine's JSON has in place of each byte of a name that is not UTF-8. */
const REPLACED = "\ufffd";

/**
 * Returns the changes with the names that their directories have, which the engine's JSON cannot
 * express. A deleted name, and one of several that differ only in such bytes, stays as it is.
 */
async function withExactNames(reached: Promise<Session>, changes: ContainerChange[]): Promise<ContainerChange[]> {
  if (!changes.some(({ path }) => path.includes(REPLACED))) return changes;
  const session = await reached;
  const known = new Map<string, Promise<string | undefined>>();
  const exact = async (path: string): Promise<string | undefined> => {
    if (!path.includes(REPLACED)) return path;
    const slash = path.lastIndexOf("/");
    const directory = await asked(path.slice(0, slash));
    const name = path.slice(slash + 1);
    if (directory === undefined || !name.includes(REPLACED)) return directory && `${directory}/${name}`;
    const found: string[] = [];
    try {
      for await (const entry of session.list(directory || "/")) {
        if (entry.name.replace(/[\udc80-\udcff]/g, REPLACED) === name) found.push(entry.name);
      }
    } catch (error) {
      onlyFileErrors(error);
    }
    return found.length === 1 ? `${directory}/${found[0]}` : undefined;
  };
  const asked = (path: string) => {
    const answer = known.get(path) ?? exact(path);
    known.set(path, answer);
    return answer;
  };
  const named: ContainerChange[] = [];
  for (const change of changes) {
    const path = change.kind === "deleted" ? undefined : await asked(change.path);
    named.push(path === undefined ? change : { ...change, path });
  }
  return named;
}

/** Maximum number of lines per write(2). */
const AT_ONCE = 1_000;

/**
 * Minimum number of changed paths in a directory from which listing it is cheaper than one stat per
 * path.
 */
const WORTH_A_LIST = 8;

/** The parts of a stat that are displayed. A container may have thousands of changed paths. */
type Shown = Pick<FileStat, "mode" | "size" | "mtime">;

/**
 * Returns the stats of the changed paths that exist, by the index of their change. Omits paths that
 * were removed meanwhile or cannot be read.
 */
async function statsOf(reached: Promise<Session>, changes: readonly ContainerChange[]): Promise<(Shown | undefined)[]> {
  const found = new Array<Shown | undefined>(changes.length);
  const byDirectory = new Map<string, Map<string, number>>();
  changes.forEach(({ kind, path }, index) => {
    if (kind === "deleted") return;
    const slash = path.lastIndexOf("/");
    const directory = path.slice(0, slash) || "/";
    const inside = byDirectory.get(directory) ?? new Map<string, number>();
    byDirectory.set(directory, inside.set(path.slice(slash + 1), index));
  });
  if (byDirectory.size === 0) return found;
  const session = await reached;
  for (const [directory, inside] of byDirectory) {
    if (inside.size < WORTH_A_LIST) {
      const looks = [...inside.values()].map(async (index) => {
        const path = changes[index]?.path ?? "";
        found[index] = await session.stat(path, { noFollow: true });
      });
      for (const look of await Promise.allSettled(looks)) if (look.status === "rejected") onlyFileErrors(look.reason);
      continue;
    }
    try {
      for await (const { name, stat } of session.list(directory, { stat: true })) {
        const index = inside.get(name);
        if (index === undefined || stat === undefined) continue;
        found[index] = { mode: stat.mode, size: stat.size, mtime: stat.mtime };
      }
    } catch (error) {
      onlyFileErrors(error);
    }
  }
  return found;
}

function onlyFileErrors(error: unknown): void {
  if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
}

/** Formats a change: the letter of docker diff, the size of a file, and the path. */
function line(kind: string, path: string, stat: Shown | undefined, { human }: DiffOptions): string {
  const letter = kind.charAt(0).toUpperCase();
  const bytes = stat === undefined || kindOf(stat.mode) === "directory" ? undefined : stat.size;
  const size = bytes === undefined ? "-" : human ? humanSize(bytes) : String(bytes);
  return `${letter} ${size.padStart(human ? 6 : 12)} ${path}\n`;
}

/** The record of a change in `--json`: see docs/json.md. */
function record(container: string, change: string, path: string, stat: Shown | undefined): object {
  return {
    ...{ container, target: `${container}:${path}`, path, change },
    kind: stat === undefined ? null : kindOf(stat.mode),
    size: stat === undefined ? null : stat.size,
    mode: stat === undefined ? null : (stat.mode & 0o7777).toString(8).padStart(4, "0"),
    modified: stat === undefined ? null : isoTime(stat.mtime),
  };
}
