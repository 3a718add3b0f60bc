import { constants } from "node:fs";
import { PortholeError } from "../errors.ts";
import type { FileFacts } from "../protocol/facts.ts";
import type { DirectoryEntry, Session } from "../sessions/session.ts";
import { Lookahead } from "./lookahead.ts";
import { PendingDirectories } from "./pending-directories.ts";

/** A file that {@link walk} came by. */
export interface WalkedFile extends DirectoryEntry {
  /** Begins as the walk's path does. */
  path: string;
  /** 0 for the walk's own path. */
  depth: number;
}

/** Options of {@link walk}. */
export interface WalkOptions {
  /** With facts and link targets; otherwise only names and types, which is quicker. */
  facts?: boolean;
  /** How many levels below the path; default: all. */
  maxDepth?: number;
  /** False for a directory that is not to be entered. */
  enter?: (directory: WalkedFile) => boolean;
  /** Hears of what could not be looked at or listed; the walk goes on. Without it the first such error is thrown. */
  failed?: (error: PortholeError) => void;
}

/**
 * The file at `path` and, when it is a directory, all that is below: a directory's entries in its own order, then each of its
 * directories likewise. Symbolic links are not followed. Memory grows with the directories yet to be entered, not with the files.
 * @throws PortholeError FILE for `path` itself; SESSION
 */
export async function* walk(session: Session, path: string, options: WalkOptions = {}): AsyncGenerator<WalkedFile> {
  const { maxDepth = Number.POSITIVE_INFINITY, enter = () => true } = options;
  const failed = (error: unknown) => {
    if (options.failed === undefined || !(error instanceof PortholeError) || error.code !== "FILE") throw error;
    options.failed(error);
  };
  const facts = await session.stat(path, { noFollow: !path.endsWith("/") });
  const isLink = typeOf(facts) === DT_LNK;
  const start: WalkedFile = {
    path,
    depth: 0,
    name: nameOf(path),
    type: typeOf(facts),
    facts,
    link: isLink ? await session.readlink(path) : undefined,
    errno: undefined,
  };
  yield start;
  if (start.type !== DT_DIR || maxDepth < 1 || !enter(start)) return;
  const lookahead = new Lookahead(session, { facts: options.facts === true });
  const pending = new PendingDirectories<{ path: string; depth: number }>();
  try {
    for (let at: { path: string; depth: number } | undefined = { path, depth: 0 }; at !== undefined; ) {
      const below = pending.begin(at);
      const depth = at.depth + 1;
      try {
        for await (const entry of lookahead.list(at.path)) {
          const file: WalkedFile = { ...entry, path: joinPath(at.path, entry.name), depth };
          if (file.facts !== undefined) file.type = typeOf(file.facts);
          else if (file.type === 0) await lookAt(session, file);
          if (isUnseen(file))
            failed(
              new PortholeError("FILE", `cannot look at ${shown(session, file.path)}: ${file.errno}`, {
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

/** `d_type` of getdents64(2). */
export const DT_DIR = 4;
export const DT_LNK = 10;

/** `d_type` that a mode stands for. */
export function typeOf(facts: Pick<FileFacts, "mode">): number {
  return (facts.mode & constants.S_IFMT) >> 12;
}

/**
 * True for an entry that could not be looked at. A link of which only the text is missing is not one: /proc/self leads nowhere for whoever looks into
 * another PID namespace (ENOENT), but it is there.
 */
export function isUnseen({ facts, errno }: Pick<WalkedFile, "facts" | "errno">): boolean {
  return errno !== undefined && !(facts !== undefined && errno === "ENOENT");
}

/** A name in a directory, as a path. */
export function joinPath(directory: string, name: string): string {
  return directory === "" || directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

/** A path's last part, as basename(1): `/` for the root. */
export function nameOf(path: string): string {
  return /([^/]+)\/*$/.exec(path)?.[1] ?? path.slice(0, 1);
}

/** Asks for what the directory does not tell. */
async function lookAt(session: Session, file: WalkedFile): Promise<void> {
  try {
    file.type = typeOf(await session.stat(file.path, { noFollow: true }));
  } catch (error) {
    if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
    file.errno = error.errno;
  }
}

function shown(session: Session, path: string): string {
  return session.name === "" ? path : `${session.name}:${path}`;
}
