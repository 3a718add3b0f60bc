import { setImmediate as turn } from "node:timers/promises";
import { type Mount, mountsOf, readNames } from "../../../../src/files/index.ts";
import type { Session } from "../../../../src/sessions/index.ts";
import type { Connection } from "../../connection/connection.ts";
import { DirectoryFiles } from "./directory-files.ts";
import { backingsOf, type FileItem } from "./files-items.ts";

/**
 * Number of entries after which a long directory is first shown. The next updates follow at four
 * times as many entries, and so on. Each update sorts all entries again, and delays keys meanwhile.
 */
const FIRST_LOOK = 2_000;
const LOOK_GROWTH = 4;

/** Maximum number of entries, of 200 bytes each. A directory may be endless. */
export const MAX_ENTRIES = 200_000;

/** The entries of a directory that were read. */
export interface ReadEntries {
  /** Sorted by name. The array of the last read if nothing has changed since. */
  items: FileItem[];
  /** False if there are more entries. */
  isWhole: boolean;
}

const NOTHING: ReadEntries = { items: [], isWhole: false };

/** Names and mounts of a target, requested once per session. */
interface Names {
  session: Session;
  users: Map<number, string>;
  groups: Map<number, string>;
}

const names = new WeakMap<Connection, Names>();

export interface ReadOptions {
  /** Maximum number of entries. */
  maxEntries: number;
  /** The files of an earlier read, which this read updates. */
  files?: DirectoryFiles;
  /** Called repeatedly with the entries of a long directory read so far, sorted by name. */
  some?: (items: FileItem[]) => void;
  /** Ends the load when the view is closed. The result is then empty. */
  signal?: AbortSignal;
  /** Rejects if the session has ended: see {@link Connection.use}. */
  onlyLive?: boolean;
  /** Called before the read, and again if another session reads the entries. */
  begin?: (session: Session) => Promise<void>;
}

/** Reads the first entries of a directory, with their stat and storage. */
export async function readDirectory(
  connection: Connection,
  path: string,
  { maxEntries, files = new DirectoryFiles(), some, signal, onlyLive = false, begin }: ReadOptions,
): Promise<ReadEntries> {
  const read = async (session: Session) => {
    await begin?.(session);
    const { users, groups } = await namesOf(connection, session);
    const backingOf = backingsOf(await mountsOf(session).catch((): Mount[] => []));
    // Another read may already update the files.
    await files.settle(signal);
    if (signal?.aborted) return NOTHING;
    files.begin({ connection, path, users, groups, backingOf });
    let count = 0;
    let look = FIRST_LOOK;
    let isWhole = true;
    for await (const entry of session.list(path, { stat: true })) {
      if (signal?.aborted) return NOTHING;
      if (count === maxEntries) {
        isWhole = false;
        break;
      }
      files.add(entry);
      if (++count < look) continue;
      look *= LOOK_GROWTH;
      if (!some) continue;
      await files.settle(signal);
      if (signal?.aborted) return NOTHING;
      some(files.listed());
    }
    await files.settle(signal);
    if (signal?.aborted) return NOTHING;
    const items = files.end();
    // The caller sorts all items: another few milliseconds in 200,000 files.
    await turn();
    return { items, isWhole };
  };
  return connection.use(read, { onlyLive });
}

async function namesOf(connection: Connection, session: Session): Promise<Names> {
  const known = names.get(connection);
  if (known?.session === session) return known;
  const [users, groups] = await Promise.all([readNames(session, "/etc/passwd"), readNames(session, "/etc/group")]);
  const found = { session, users, groups };
  names.set(connection, found);
  return found;
}
