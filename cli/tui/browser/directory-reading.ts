import type { BrowserTarget } from "./browser-target.ts";
import { MAX_ENTRIES, readDirectory } from "./directory.ts";
import type { FileItem } from "./files-items.ts";
import { WatchedDirectory } from "./watched-directory.ts";

export interface ReadingHandlers {
  /** There are other items. `isFirst`: of a directory of which nothing was shown before. */
  taken(isFirst: boolean): void;
  /** A reading has ended. */
  ended(): void;
}

/**
 * Reads the entries of the directory that is shown, in parts, and again when it changes; one
 * reading at a time.
 */
export class DirectoryReading {
  readonly #place: BrowserTarget;
  readonly #handlers: ReadingHandlers;
  readonly #watched = new WatchedDirectory(() => this.again());
  #path = "";
  #items: FileItem[] = [];
  #isWhole = true;
  #failure: unknown;
  /** Of the reading that is going on: a newer one ends it. */
  #going: AbortController | undefined;
  #isClosed = false;

  constructor(place: BrowserTarget, handlers: ReadingHandlers) {
    this.#place = place;
    this.#handlers = handlers;
  }

  /** In the order in which they were read. */
  get items(): FileItem[] {
    return this.#items;
  }

  /** False where there are more entries than are kept. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Why the last reading failed; undefined where it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  get isGoing(): boolean {
    return this.#going !== undefined;
  }

  /**
   * Leaves the directory before and reads this one. Resolves when it is read and watched, or was
   * left.
   */
  async begin(path: string): Promise<void> {
    this.#path = path;
    this.#items = [];
    this.#isWhole = true;
    this.#failure = undefined;
    this.#watched.close();
    await this.again();
    // It may have been left meanwhile.
    if (!this.#isClosed && this.#failure === undefined) await this.#watched.watch(this.#place, this.#path);
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
      const { items, isWhole } = await readDirectory(this.#place, this.#path, { most: MAX_ENTRIES, some, signal });
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
