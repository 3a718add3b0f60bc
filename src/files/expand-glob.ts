import { constants } from "node:fs";
import { DT_DIR, DT_LNK } from "../descriptors/constants.ts";
import { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/interface/session.ts";
import { compareNames, compileGlob, isQuoted } from "./glob.ts";
import { joinPath } from "./walk.ts";

/**
 * Paths of the target that match a pattern. The text of a segment is one of its matches: `[x]`
 * matches `[x]` and `x`. Neither name hides the other, so a container cannot hide files from a
 * pattern. Lists only directories that a segment of the pattern needs, each once. As a segment,
 * `**` matches directories at any depth without following symbolic links. As the last segment it
 * matches everything below. A leading dot matches only a dot in the pattern. A trailing slash
 * selects directories. Sorted by bytes within a directory.
 * @param options.unreadable receives errors of directories that cannot be listed; they match
 *   nothing
 * @throws PortholeError SESSION
 */
export async function* expandGlob(
  session: Pick<Session, "list" | "stat">,
  path: string,
  options: { unreadable?: (error: PortholeError) => void } = {},
): AsyncGenerator<string> {
  const segments = splitPattern(path);
  if (segments.length > 0) {
    const walk: Walk = { session, segments, onlyDirectories: path.endsWith("/"), unreadable: options.unreadable };
    yield* expandIn(walk, path.startsWith("/") ? "/" : "", reachable(segments, [0]));
  } else if (path.startsWith("/")) yield "/";
}

type Segment =
  | { kind: "literal"; names: string[] }
  | { kind: "any" }
  | { kind: "glob"; text: string; test: (name: string) => boolean };

interface Walk {
  session: Pick<Session, "list" | "stat">;
  segments: Segment[];
  onlyDirectories: boolean;
  unreadable: ((error: PortholeError) => void) | undefined;
}

function splitPattern(path: string): Segment[] {
  return path
    .split("/")
    .filter((text) => text !== "")
    .map((text) => {
      if (text === "**") return { kind: "any" };
      if (!isQuoted(text)) return { kind: "glob", text, test: compileGlob(text, { period: true }) };
      return { kind: "literal", names: [...new Set([text.replace(/\\(.)/gsu, "$1"), text])] };
    });
}

/**
 * `at`: indices of the segments that names in this directory may match, all at once so that each
 * directory is listed once.
 */
async function* expandIn(walk: Walk, directory: string, at: number[]): AsyncGenerator<string> {
  const { segments } = walk;
  const literals = at.flatMap((index) => {
    const segment = segments[index];
    return segment?.kind === "literal" ? segment.names : [];
  });
  const candidates = at.every((index) => segments[index]?.kind === "literal")
    ? literals.map((name) => ({ name, type: undefined }))
    : await namesIn(walk, directory, at, literals);
  const names = [...new Map(candidates.map((one) => [one.name, one])).values()];
  for (const { name, type } of names.sort((a, b) => compareNames(a.name, b.name))) {
    const found = joinPath(directory, name);
    const { isMatch, next } = step(walk, at, name);
    if (isMatch && (await exists(walk, found, type))) yield walk.onlyDirectories ? `${found}/` : found;
    // `**` does not follow links: it would loop.
    const isGlobstar = (index: number) => segments[index]?.kind === "any" && at.includes(index);
    const isDirectory = !next.some(isGlobstar) || (type ?? (await typeOf(walk, found))) === DT_DIR;
    const below = isDirectory ? next : next.filter((index) => !isGlobstar(index));
    if (below.length > 0 && (type === undefined || type === DT_DIR || type === DT_LNK))
      yield* expandIn(walk, found, reachable(segments, below));
  }
}

/**
 * Matches a name. Returns whether it completes the pattern, and the segments that names below it
 * may match.
 */
function step({ segments }: Walk, at: number[], name: string): { isMatch: boolean; next: number[] } {
  let isMatch = false;
  const next = new Set<number>();
  for (const index of at) {
    const segment = segments[index];
    if (segment === undefined) continue;
    const isLast = index === segments.length - 1;
    if (segment.kind === "any") {
      if (name.startsWith(".")) continue;
      next.add(index);
      if (isLast) isMatch = true;
    } else if (isNameOf(segment, name)) {
      if (isLast) isMatch = true;
      else next.add(index + 1);
    }
  }
  return { isMatch, next: [...next] };
}

function isNameOf(segment: Exclude<Segment, { kind: "any" }>, name: string): boolean {
  return segment.kind === "literal" ? segment.names.includes(name) : segment.text === name || segment.test(name);
}

/**
 * `**` also matches zero directories, so the next segment is reachable at once. At the end of the
 * pattern it needs a name.
 */
function reachable(segments: Segment[], at: number[]): number[] {
  const all = new Set<number>();
  for (let index of at) {
    all.add(index);
    while (segments[index]?.kind === "any" && index + 1 < segments.length) all.add(++index);
  }
  return [...all];
}

async function namesIn(walk: Walk, directory: string, at: number[], literals: string[]) {
  // Listings do not contain `.` and `..`.
  const names = literals
    .filter((name) => name === "." || name === "..")
    .map((name): { name: string; type: number | undefined } => ({ name, type: undefined }));
  try {
    for await (const { name, type } of walk.session.list(directory === "" ? "." : directory)) {
      const { isMatch, next } = step(walk, at, name);
      if (isMatch || next.length > 0) names.push({ name, type: type === 0 ? undefined : type });
    }
  } catch (error) {
    if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
    if (absent.has(error.errno)) return names;
    walk.unreadable?.(error);
    // A directory that cannot be listed may still be entered.
    for (const index of at) {
      const segment = walk.segments[index];
      if (segment?.kind === "glob") names.push({ name: segment.text, type: undefined });
    }
  }
  return names;
}

const absent = new Set<string | undefined>(["ENOENT", "ENOTDIR", "ELOOP"]);

/** True if a path exists. Names from a listing exist; literal names of the pattern may not. */
async function exists(walk: Walk, path: string, type: number | undefined): Promise<boolean> {
  if (walk.onlyDirectories) return type === DT_DIR || (await modeOf(walk, path, true)) === constants.S_IFDIR;
  return type !== undefined || (await modeOf(walk, path, false)) !== undefined;
}

async function typeOf(walk: Walk, path: string): Promise<number | undefined> {
  return (await modeOf(walk, path, false)) === constants.S_IFDIR ? DT_DIR : undefined;
}

async function modeOf(walk: Walk, path: string, follow: boolean): Promise<number | undefined> {
  try {
    return (await walk.session.stat(path, { noFollow: !follow })).mode & constants.S_IFMT;
  } catch (error) {
    if (error instanceof PortholeError && error.code === "FILE") return undefined;
    throw error;
  }
}
