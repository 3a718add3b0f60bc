import { constants } from "node:fs";
import { DT_DIR, DT_LNK } from "../descriptors/constants.ts";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import type { DirectoryEntry, Session } from "../sessions/session.ts";
import { Lookahead } from "./lookahead.ts";
import { PendingDirectories } from "./pending-directories.ts";

/** A file found by {@link walk}. */
export interface WalkedFile extends DirectoryEntry {
  /** Begins with the walk's path. */
  path: string;
  /** 0 for the walk's own path. */
  depth: number;
}

/** Options of {@link walk}. */
export interface WalkOptions {
  /** Include stat and link targets; names and types alone are faster. */
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
}

/**
 * The file at `path` and everything below a directory: first a directory's entries in its own
 * order, then each subdirectory. Does not follow symbolic links. Memory grows with the directories
 * still to be entered, not with the files.
 * @throws PortholeError FILE for `path` itself; SESSION
 */
export async function* walk(session: Session, path: string, options: WalkOptions = {}): AsyncGenerator<WalkedFile> {
  const { maxDepth = Number.POSITIVE_INFINITY, enter = () => true } = options;
  const failed = (error: unknown) => {
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
  const pending = new PendingDirectories<{ path: string; depth: number }>();
  try {
    for (let at: { path: string; depth: number } | undefined = { path, depth: 0 }; at !== undefined; ) {
      const below = pending.begin(at);
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
            );
          yield file;
          if (file.type === DT_DIR && depth < maxDepth && enter(file)) below.add(entry.name);
        }
      } catch (error) {
        failed(error);
      }
      try {
        below.end();
      } catch (error) {
        failed(error);
      }
      lookahead.expect(pending.peek(8).map(({ parent, name }) => joinPath(parent.path, name)));
      const next = pending.shift();
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

/**
 * True if stat of the entry failed. An entry with stat whose link text is missing counts as seen:
 * /proc/self leads nowhere from another PID namespace (ENOENT).
 */
export function isStatFailed({ stat, errno }: Pick<WalkedFile, "stat" | "errno">): boolean {
  return errno !== undefined && !(stat !== undefined && errno === "ENOENT");
}

/** Appends a name to a directory's path. */
export function joinPath(directory: string, name: string): string {
  return directory === "" || directory.endsWith("/") ? directory + name : `${directory}/${name}`;
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
