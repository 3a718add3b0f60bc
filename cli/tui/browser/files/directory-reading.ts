import { PortholeError } from "../../../../src/errors.ts";
import type { Connection } from "../../connection/connection.ts";
import { MAX_ENTRIES, readDirectory } from "./directory.ts";
import { DirectoryFiles } from "./directory-files.ts";
import type { FileItem } from "./files-items.ts";
import { WatchedDirectory } from "./watched-directory.ts";

/** Milliseconds before a directory that no longer exists is read again. */
const MISSING_MS = 1_000;

export interface ReadingHandlers {
  /**
   * Called when the items have changed. `isFirst`: these are the first items of a new directory.
   */
  taken(isFirst: boolean): void;
  /** Called when a read has ended. */
  ended(): void;
  /** Called when the session has ended, and after each attempt to replace it. */
  lost(): void;
  /** Called when a new session has replaced the one that ended: see {@link KeptList}. */
  back(news: string): void;
}

/**
 * Reads the entries of the visible directory in parts, and reads them again when the directory
 * changes, when its name exists again, and through each new session. Only one read runs at a time.
 */
export class DirectoryReading {
  readonly #connection: Connection;
  readonly #handlers: ReadingHandlers;
  readonly #watched = new WatchedDirectory(() => this.update());
  readonly #release: () => void;
  #path = "";
  #files = new DirectoryFiles();
  #items: FileItem[] = [];
  #isWhole = true;
  /** True if the directory has been read once. */
  #wasRead = false;
  #failure: unknown;
  /** Aborts the read in progress when a newer one begins. */
  #going: AbortController | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(connection: Connection, handlers: ReadingHandlers) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.#release = connection.reconnection.keep({
      back: (news) => {
        handlers.back(news);
        void this.update();
      },
      changed: () => handlers.lost(),
    });
  }

  /** Items by name. */
  get items(): FileItem[] {
    return this.#items;
  }

  /** Returns the names that begin with `prefix`. */
  namesFrom(prefix: string): string[] {
    return this.#files.namesFrom(prefix);
  }

  /** False if the directory has more entries than the limit. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The error of the last read; undefined if it succeeded. */
  get failure(): unknown {
    return this.#failure;
  }

  get isGoing(): boolean {
    return this.#going !== undefined;
  }

  /** Why changes of the directory are not shown; undefined if they are. */
  get whyNotLive(): unknown {
    return this.#failure ?? this.#watched.failure;
  }

  /** Replaces the directory and reads it. Resolves when it is read, or replaced again. */
  async begin(path: string): Promise<void> {
    this.#path = path;
    this.#files = new DirectoryFiles();
    this.#items = [];
    this.#isWhole = true;
    this.#wasRead = false;
    this.#failure = undefined;
    this.#watched.close();
    await this.again();
  }

  /** Reads the directory on request of the user. */
  again(): Promise<void> {
    return this.#read(false);
  }

  /** Reads the directory because it may have changed. Does not connect. */
  update(): Promise<void> {
    return this.#read(true);
  }

  close(): void {
    this.#release();
    this.#stop();
    this.#watched.close();
  }

  async #read(onlyLive: boolean): Promise<void> {
    this.#stop();
    const going = new AbortController();
    const { signal } = going;
    this.#going = going;
    const isFirst = this.#items.length === 0;
    const begun = performance.now();
    const take = (items: FileItem[]) => {
      if (signal.aborted || items === this.#items) return;
      this.#items = items;
      this.#handlers.taken(isFirst);
    };
    try {
      const { items, isWhole } = await readDirectory(this.#connection, this.#path, {
        maxEntries: MAX_ENTRIES,
        files: this.#files,
        ...(isFirst && { some: take }),
        signal,
        onlyLive,
        begin: async (session) => {
          if (!signal.aborted) await this.#watched.watch(session, this.#path);
        },
      });
      if (signal.aborted) return;
      this.#failure = undefined;
      this.#wasRead = true;
      this.#isWhole = isWhole;
      take(items);
    } catch (error) {
      if (signal.aborted) return;
      this.#failure = error;
      if (this.#wasRead && isMissing(error)) this.#retry = setTimeout(() => void this.update(), MISSING_MS);
    }
    this.#going = undefined;
    this.#watched.looked(performance.now() - begun);
    this.#handlers.ended();
  }

  #stop(): void {
    this.#going?.abort();
    this.#going = undefined;
    clearTimeout(this.#retry);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof PortholeError && error.errno === "ENOENT";
}
