import { fstatSync } from "node:fs";
import { PortholeError } from "../errors.ts";
import type { OpenFile } from "../sessions/interface/open-file.ts";
import type { Session } from "../sessions/interface/session.ts";
import type { FollowFile, FollowSource } from "./follow.ts";
import { identityOf } from "./identity.ts";
import { WatchedPath } from "./watched-path.ts";

/** A generation of a followed file: an open file of a session. */
export interface SessionFile extends FollowFile {
  readonly file: OpenFile;
}

/**
 * Returns the current session, which changes when a container restarts. Rejects while there is
 * none.
 */
export type SessionSource = () => Promise<Session>;

/**
 * The follow engine's view of a session's path. Uses fstat(2) of the local descriptor, requests to
 * the agent for the path, and inotify events from the container. The caller owns `file`; without it
 * the engine waits for the path to exist.
 * @throws PortholeError FILE: EINVAL for a file without positions (FIFO, terminal); ESPIPE for a
 * relayed file: see {@link followRelayed}
 */
export function followSource(
  session: Session | SessionSource,
  path: string,
  file: OpenFile | undefined,
): FollowSource<SessionFile> {
  const current = typeof session === "function" ? session : async () => session;
  const first = file && followed(file, path);
  const watched = new WatchedPath(path);
  return {
    file: first,
    locate: async () => {
      const now = await current();
      watched.lookFrom(now);
      const identity = await undefinedIfMissing(async () => identityOf(await watched.stat(now)));
      watched.seen(identity !== undefined);
      return identity;
    },
    reopen: async () => {
      const now = await current();
      const next = await undefinedIfMissing(async () => {
        const opened = await now.open(path);
        try {
          return followed(opened, path);
        } catch (error) {
          opened.close();
          throw error;
        }
      });
      if (next) watched.fileChanged();
      return next;
    },
    renamedAway: async (known) => {
      const now = await current();
      // The kernel has queued at least the renames of files that the caller has opened since the
      // last call.
      now.readEvents();
      const missed: SessionFile[] = [];
      for (let name = watched.takeRenamed(); name !== undefined; name = watched.takeRenamed()) {
        const there = name;
        const stat = await undefinedIfMissing(() => now.stat(there, { noFollow: true }));
        if (!stat || known(identityOf(stat))) continue;
        const file = await undefinedIfMissing(() => now.open(there, { noFollow: true }));
        if (file?.isSeekable) missed.push(followed(file, path));
        else file?.close();
      }
      return missed;
    },
    onChange: (listener) => {
      watched.begin(listener);
      current().then(
        (now) => watched.lookFrom(now),
        () => undefined,
      );
      return () => watched.end();
    },
    isWatched: () => watched.isWatched,
    readEvents: (drained) => watched.readEvents(drained),
    nameCheckMs: () => watched.nameCheckMs,
  };
}

function followed(file: OpenFile, path: string): SessionFile {
  if (file.relayed)
    throw new PortholeError("FILE", `${path}: cannot follow a relayed file by its descriptor: use followRelayed`, {
      errno: "ESPIPE",
    });
  if (!file.isSeekable) throw new PortholeError("FILE", `${path}: cannot follow a ${file.kind}`, { errno: "EINVAL" });
  const identity = identityOf(file.stat);
  return {
    file,
    identity,
    stat() {
      const { size, mtimeMs, ctimeMs, nlink } = fstatSync(file.fd);
      // A copy is an unnamed file, so its number of links is not used.
      const links = identity.device === 0 ? 1 : nlink;
      return { size, modified: mtimeMs, changed: ctimeMs, links };
    },
    read: (position, buffer) => file.read(buffer, position),
    nextData: (position) => file.nextData(position),
    close: () => file.close(),
  };
}

/**
 * Returns undefined for a path that does not exist. Other errors, such as a lost session, reject.
 */
export async function undefinedIfMissing<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof PortholeError && (error.errno === "ENOENT" || error.errno === "ENOTDIR")) return undefined;
    throw error;
  }
}
