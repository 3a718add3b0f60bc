import { constants } from "node:fs";
import { DT_BLK, DT_CHR, DT_DIR, DT_LNK } from "../descriptors/constants.ts";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import type { DirectoryEntry, Session } from "../sessions/interface/session.ts";
import { Lookahead } from "./lookahead.ts";
import { PendingDirectories } from "./pending-directories.ts";

/** A file found by {@link walk}. */
export interface WalkedFile extends DirectoryEntry {
  /** The path of the file, which begins with the walk's path. */
  path: string;
  /** Levels below the walk's path, which has 0. */
  depth: number;
}

/** Options of {@link walk}. */
export interface WalkOptions {
  /** Includes stat and link targets. Names and types alone are faster. */
  stat?: boolean;
  /** Levels below the path; default: all. */
  maxDepth?: number;
  /** Return false to skip the directory's content. */
  enter?: (directory: WalkedFile) => boolean;
  /**
   * Receives errors of files and directories; the walk continues. Without it the first such error
   * is thrown.
   */
  failed?: (error: PortholeError) => void;
  /** A faster way to list the rest of a long walk. */
  takeOver?: TakeOver | undefined;
}

/** Walks directories without listing them separately. */
export interface TakeOver {
  /**
   * Number of files after which the walk is taken over: starting another kind of walk takes longer
   * than listing few files.
   */
  after: number;
  /**
   * Yields all files below the directories, each directory before its content. If it cannot walk,
   * yields only false.
   */
  below(directories: readonly WalkedDirectory[]): AsyncIterable<readonly TakenFile[] | false>;
  /**
   * Receives the files of {@link below} instead of the walk's consumer, because passing single
   * files takes most of the time. Returns false to skip a directory's content.
   */
  visit(file: TakenFile): boolean;
}

/** A directory that the walk has still to enter. */
export interface WalkedDirectory {
  path: string;
  depth: number;
}

/** A file that was found by {@link TakeOver}. */
export interface TakenFile extends Pick<WalkedFile, "path" | "depth" | "name" | "type"> {
  /** Set if the walk needs it. Owners are missing if another program walks: see `needsOwners`. */
  stat: (Pick<FileStat, "size" | "mtime" | "device" | "mode"> & Partial<Pick<FileStat, "uid" | "gid">>) | undefined;
  /**
   * `list`: the walk must list this directory. `list again`: the same, and the directory was
   * yielded before.
   */
  todo: "list" | "list again" | undefined;
}

/**
 * Yields the file at `path`, and everything below a directory. First come a directory's entries in
 * its own order, then each subdirectory, unless `takeOver` takes over. Does not follow symbolic
 * links. Memory grows with the directories still to be entered, not with the files.
 * @throws PortholeError FILE for `path` itself; SESSION
 */
export async function* walk(session: Session, path: string, options: WalkOptions = {}): AsyncGenerator<WalkedFile> {
  const { maxDepth = Number.POSITIVE_INFINITY, enter = () => true } = options;
  const failed = (error: unknown, at: string) => {
    if (isGoneProcess(at, error)) return;
    if (options.failed === undefined || !(error instanceof PortholeError) || error.code !== "FILE") throw error;
    options.failed(error);
  };
  const stat = await session.stat(path, { noFollow: !path.endsWith("/") });
  const isLink = typeOf(stat) === DT_LNK;
  const start: WalkedFile = {
    path,
    depth: 0,
    name: nameOf(path),
    type: typeOf(stat),
    stat,
    link: isLink ? await session.readlink(path) : undefined,
    errno: undefined,
  };
  yield start;
  if (start.type !== DT_DIR || maxDepth < 1 || !enter(start)) return;
  const lookahead = new Lookahead(session, { stat: options.stat === true });
  // Directories in `listed` are not passed to `takeOver`.
  const [pending, listed] = [new PendingDirectories<WalkedDirectory>(), new PendingDirectories<WalkedDirectory>()];
  let { takeOver } = options;
  let visited = 1;
  let queue = pending;
  try {
    for (let at: WalkedDirectory | undefined = { path, depth: 0 }; at !== undefined; ) {
      const below = queue.begin(at);
      const depth = at.depth + 1;
      try {
        for await (const entry of lookahead.list(at.path)) {
          const file: WalkedFile = { ...entry, path: joinPath(at.path, entry.name), depth };
          if (file.stat !== undefined) file.type = typeOf(file.stat);
          else if (file.type === 0) await statType(session, file);
          if (isStatFailed(file))
            failed(
              new PortholeError("FILE", `cannot stat ${formatName(session, file.path)}: ${file.errno}`, {
                errno: file.errno,
              }),
              file.path,
            );
          visited++;
          yield file;
          if (file.type === DT_DIR && depth < maxDepth && enter(file)) below.add(entry.name);
        }
      } catch (error) {
        failed(error, at.path);
      }
      try {
        below.end();
      } catch (error) {
        failed(error, at.path);
      }
      while (takeOver !== undefined && visited >= takeOver.after && listed.isEmpty) {
        const taken = takeDirectories(pending);
        if (taken.length === 0) break;
        if (!(await takenOver(takeOver, taken, { listed, maxDepth }))) takeOver = undefined;
      }
      queue = listed.isEmpty ? pending : listed;
      lookahead.expect(queue.peek(8).map(({ parent, name }) => joinPath(parent.path, name)));
      const next = queue.shift();
      at = next && { path: joinPath(next.parent.path, next.name), depth: next.parent.depth + 1 };
    }
  } finally {
    await lookahead.close();
  }
}

/** `d_type` of a mode. */
export function typeOf(stat: Pick<FileStat, "mode">): number {
  return (stat.mode & constants.S_IFMT) >> 12;
}

/** True for the `d_type` of a character or block device. */
export function isDevice(type: number): boolean {
  return type === DT_CHR || type === DT_BLK;
}

/**
 * True if stat of the entry failed. An entry with stat whose link text is missing counts as seen:
 * /proc/self leads nowhere from another PID namespace (ENOENT).
 */
export function isStatFailed({ stat, errno }: Pick<WalkedFile, "stat" | "errno">): boolean {
  return errno !== undefined && !(stat !== undefined && errno === "ENOENT");
}

/**
 * True for the error of a file of /proc/N that was found and then missing: the process or thread
 * has ended, or has closed the file. A search does not report it.
 */
export function isGoneProcess(path: string, error: unknown): boolean {
  const { errno } = (error ?? {}) as { errno?: unknown };
  return (errno === "ENOENT" || errno === "ESRCH") && /^\/?proc\/\d+(\/|$)/.test(path.replace(/\/(\.?\/)+/g, "/"));
}

/** Appends a name to a directory's path. */
export function joinPath(directory: string, name: string): string {
  return directory === "" || directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

/**
 * Runs `takeOver`, and adds the directories that it does not walk to `listed`. False if it cannot
 * walk.
 */
async function takenOver(
  takeOver: TakeOver,
  directories: readonly WalkedDirectory[],
  { listed, maxDepth }: { listed: PendingDirectories<WalkedDirectory>; maxDepth: number },
): Promise<boolean> {
  let skipped: string | undefined;
  for await (const files of takeOver.below(directories)) {
    if (files === false) {
      for (const directory of directories) addTo(listed, directory);
      return false;
    }
    for (const file of files) {
      if (skipped !== undefined && file.path.startsWith(skipped)) continue;
      const isNew = file.todo !== "list again";
      const isEntered = (isNew ? takeOver.visit(file) : true) && file.depth < maxDepth;
      if (file.type !== DT_DIR) continue;
      skipped = isEntered ? undefined : joinPath(file.path, "");
      if (isEntered && file.todo !== undefined) addTo(listed, file);
    }
  }
  return true;
}

/** Takes the next directories out of `pending`, as many as fit a command line. */
function takeDirectories(pending: PendingDirectories<WalkedDirectory>): WalkedDirectory[] {
  const taken: WalkedDirectory[] = [];
  for (let length = 0; length < MAX_TAKEN; ) {
    const next = pending.shift();
    if (next === undefined) break;
    const path = joinPath(next.parent.path, next.name);
    length += path.length;
    taken.push({ path, depth: next.parent.depth + 1 });
  }
  return taken;
}

/**
 * Maximum number of characters of all paths. execve(2) allows at least 128 KiB of arguments, and
 * 2 MiB with the usual stack limit.
 */
const MAX_TAKEN = 64 * 1024;

function addTo(pending: PendingDirectories<WalkedDirectory>, { path, depth }: WalkedDirectory): void {
  const name = nameOf(path);
  pending.push({ path: path.slice(0, path.length - name.length), depth: depth - 1 }, [name]);
}

/** The last part of a path, like basename(1): `/` for the root. */
export function nameOf(path: string): string {
  return /([^/]+)\/*$/.exec(path)?.[1] ?? path.slice(0, 1);
}

/** Fills in the type if the directory does not report it. */
async function statType(session: Session, file: WalkedFile): Promise<void> {
  try {
    file.type = typeOf(await session.stat(file.path, { noFollow: true }));
  } catch (error) {
    if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
    file.errno = error.errno;
  }
}

function formatName(session: Session, path: string): string {
  return session.name === "" ? path : `${session.name}:${path}`;
}
