import { fstatSync } from "node:fs";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import type { OpenFile } from "../sessions/open-file.ts";
import type { Session } from "../sessions/session.ts";
import type { FollowFile, FollowSource } from "./follow.ts";
import type { Identity } from "./machine.ts";
import { WatchedPath } from "./watched-path.ts";

/** A generation of a followed file: an open file of a session. */
export interface SessionFile extends FollowFile {
  readonly file: OpenFile;
}

/** Gives the session to ask now, which may be another one than before: a container that was restarted has a new agent. Rejects while there is none. */
export type SessionSource = () => Promise<Session>;

/**
 * What the follow engine needs of a session's path: looks by `fstat` on the descriptor here, asks the agent what the path names, and hears
 * of changes by the inotify instance that the agent made in the container. `file` stays the caller's; without one the engine waits for the path
 * to name something.
 * @throws PortholeError FILE: EINVAL for what has no positions (FIFO, terminal): there is nothing to follow, only to read; ESPIPE for what is relayed: see
 * {@link followRelayed}.
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
      const identity = await undefinedIfMissing(async () => identityOf(await now.stat(path)));
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
      // Renames of files that the caller has opened since are queued by the kernel at least.
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
    nameCheckMs: () => watched.nameCheckMs,
  };
}

function followed(file: OpenFile, path: string): SessionFile {
  if (file.relayed)
    throw new PortholeError("FILE", `${path}: its file system may not answer: it is read by followRelayed only`, {
      errno: "ESPIPE",
    });
  if (!file.isSeekable) throw new PortholeError("FILE", `${path}: cannot follow a ${file.kind}`, { errno: "EINVAL" });
  return {
    file,
    identity: identityOf(file.stat),
    stat() {
      const { size, mtimeMs, ctimeMs, nlink } = fstatSync(file.fd);
      return { size, modified: mtimeMs, changed: ctimeMs, links: nlink };
    },
    read: (position, buffer) => file.read(buffer, position),
    nextData: (position) => file.nextData(position),
    close: () => file.close(),
  };
}

/** By the stat of an open, a look or a list. */
export function identityOf(stat: FileStat): Identity {
  return { device: stat.device.major * 2 ** 20 + stat.device.minor, inode: stat.inode, born: stat.btime };
}

/** Undefined for a path that names nothing now; other failures (a session that is lost) go on to the engine. */
export async function undefinedIfMissing<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof PortholeError && (error.errno === "ENOENT" || error.errno === "ENOTDIR")) return undefined;
    throw error;
  }
}
