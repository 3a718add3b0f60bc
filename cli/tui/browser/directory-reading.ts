import type { Connection } from "./connection.ts";
import { MAX_ENTRIES, readDirectory } from "./directory.ts";
import type { FileItem } from "./files-items.ts";
import { WatchedDirectory } from "./watched-directory.ts";

export interface ReadingHandlers {
  /**
   * Called when the items have changed. `isFirst`: these are the first items of a new directory.
   */
  taken(isFirst: boolean): void;
  /** Called when a read has ended. */
  ended(): void;
}

/**
 * Reads the entries of the visible directory in parts, and reads them again when the directory
 * changes. Only one read runs at a time.
 */
export class DirectoryReading {
  readonly #connection: Connection;
  readonly #handlers: ReadingHandlers;
  readonly #watched = new WatchedDirectory(() => this.again());
  #path = "";
  #items: FileItem[] = [];
  #isWhole = true;
  #failure: unknown;
  /** Aborts the read in progress when a newer one begins. */
  #going: AbortController | undefined;
  #isClosed = false;

  constructor(connection: Connection, handlers: ReadingHandlers) {
    this.#connection = connection;
    this.#handlers = handlers;
  }

  /** Items in the order of the directory. */
  get items(): FileItem[] {
    return this.#items;
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

  /**
   * Replaces the directory and reads it. Resolves when it is read and watched, or replaced again.
   */
  async begin(path: string): Promise<void> {
    this.#path = path;
    this.#items = [];
    this.#isWhole = true;
    this.#failure = undefined;
    this.#watched.close();
    await this.again();
    // The user may have opened another directory meanwhile.
    if (!this.#isClosed && this.#failure === undefined) await this.#watched.watch(this.#connection, this.#path);
  }

  async again(): Promise<void> {
    this.#stop();
    const going = new AbortController();
    const { signal } = going;
    this.#going = going;
    const isFirst = this.#items.length === 0;
    const begun = performance.now();
    const take = (items: FileItem[]) => {
      if (signal.aborted) return;
      this.#items = items;
      this.#handlers.taken(isFirst);
    };
    try {
      const some = (items: FileItem[]) => isFirst && take(items);
      const { items, isWhole } = await readDirectory(this.#connection, this.#path, {
        maxEntries: MAX_ENTRIES,
        some,
        signal,
      });
      if (signal.aborted) return;
      this.#failure = undefined;
      this.#isWhole = isWhole;
      take(items);
    } catch (error) {
      if (signal.aborted) return;
      this.#failure = error;
    }
    this.#going = undefined;
    this.#watched.looked(performance.now() - begun);
    this.#handlers.ended();
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#watched.close();
  }

  #stop(): void {
    this.#going?.abort();
    this.#going = undefined;
  }
}
