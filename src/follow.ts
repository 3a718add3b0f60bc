import { fstatSync } from "node:fs";
import { PortholeError } from "./errors.ts";
import type { OpenFile } from "./open-file.ts";
import type { FileFacts } from "./protocol/facts.ts";
import type { Session } from "./session.ts";
import type { FollowFile, FollowSource } from "./tail/follow.ts";
import {
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from "./tail/inotify.ts";
import type { Identity } from "./tail/machine.ts";

/** A generation of a followed file: an open file of a session. */
export interface FollowedFile extends FollowFile {
  readonly file: OpenFile;
}

/**
 * What the follow engine needs of a session's path: looks by `fstat` on the descriptor here, asks the agent what the path names, and hears
 * of changes by the inotify instance that the agent made in the container. `file` stays the caller's.
 * @throws PortholeError FILE: EINVAL for what has no positions (FIFO, terminal): there is nothing to follow, only to read.
 */
export function followSource(session: Session, path: string, file: OpenFile): FollowSource<FollowedFile> {
  if (!file.isSeekable) throw new PortholeError("FILE", `${path}: cannot follow a ${file.kind}`, { errno: "EINVAL" });
  return {
    file: followed(file),
    locate: () => ifThere(async () => identityOf(await session.stat(path))),
    reopen: () => ifThere(async () => followed(await session.open(path))),
    onChange: (listener) => subscribe(session, path, listener),
  };
}

function followed(file: OpenFile): FollowedFile {
  return {
    file,
    identity: identityOf(file.facts),
    stat() {
      const { size, mtimeMs } = fstatSync(file.fd);
      return { size, modified: mtimeMs };
    },
    read: (position, buffer) => file.read(buffer, position),
    close: () => file.close(),
  };
}

function identityOf(facts: FileFacts): Identity {
  return { device: facts.device.major * 2 ** 20 + facts.device.minor, inode: facts.inode };
}

/** Undefined for a path that names nothing now; other failures (a session that is lost) go on to the engine. */
async function ifThere<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof PortholeError && (error.errno === "ENOENT" || error.errno === "ENOTDIR")) return undefined;
    throw error;
  }
}

const CONTENT = IN_MODIFY;
const NAME_OF_FILE = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
const NAME_IN_DIRECTORY = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE;

/**
 * Watches the file and its directory. A watch that cannot be had (the limit of watches, a session that ended) is no failure: the engine looks
 * by itself four times a second.
 */
function subscribe(session: Session, path: string, listener: (what: "content" | "name") => void): () => void {
  let over = false;
  const removals: (() => void)[] = [];
  const add = (where: string, mask: number, onEvent: (mask: number) => void) =>
    session
      .watch(where, mask, (event) => onEvent(event.mask))
      .then(
        (remove) => (over ? remove() : removals.push(remove)),
        () => undefined,
      );
  let removeFile: (() => void) | undefined;
  const watchFile = () => {
    removeFile?.();
    removeFile = undefined;
    void session
      .watch(path, CONTENT | NAME_OF_FILE, (event) => listener((event.mask & CONTENT) !== 0 ? "content" : "name"))
      .then((remove) => {
        if (over) remove();
        else removeFile = remove;
      })
      .catch(() => undefined);
  };
  watchFile();
  void add(directoryOf(path), NAME_IN_DIRECTORY, (mask) => {
    // The path may name another file now, whose writes are the ones to hear of.
    if ((mask & (IN_CREATE | IN_MOVED_TO)) !== 0) watchFile();
    listener("name");
  });
  return () => {
    over = true;
    removeFile?.();
    for (const remove of removals) remove();
  };
}

function directoryOf(path: string): string {
  const slash = path.replace(/\/+$/, "").lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}
