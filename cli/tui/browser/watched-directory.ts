import { PortholeError } from "../../../src/errors.ts";
import type { Connection } from "./connection.ts";

/** Events that change a list of files with sizes and times (inotify(7)). */
const MASK = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800;

/** Minimum milliseconds between two reloads of a directory that changes constantly. */
const MIN_MS = 500;

/**
 * Calls `look` soon after a directory has changed, at most twice a second. If the directory cannot
 * be watched, never calls it.
 */
export class WatchedDirectory {
  readonly #look: () => Promise<void>;
  #end: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #last = 0;
  /** True if the directory has changed since the last reload began. */
  #hasNews = false;

  /** `look` must not reject. */
  constructor(look: () => Promise<void>) {
    this.#look = look;
  }

  /** Watches this directory instead of the one before it. */
  async watch(connection: Connection, path: string): Promise<void> {
    this.close();
    const turn = this.#turn;
    try {
      const session = await connection.session();
      const end = await session.watch(path, MASK, () => this.#note());
      if (turn !== this.#turn) end();
      else this.#end = end;
    } catch (error) {
      if (!(error instanceof PortholeError)) throw error;
    }
  }

  close(): void {
    this.#turn++;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#hasNews = false;
    this.#end?.();
    this.#end = undefined;
  }

  /** Reports the duration of a reload: the next one waits ten times as long. */
  looked(milliseconds: number): void {
    this.#last = performance.now() + Math.max(0, 10 * milliseconds - MIN_MS);
  }

  #note(): void {
    this.#hasNews = true;
    this.#timer ??= setTimeout(() => void this.#lookAgain(), Math.max(50, this.#last + MIN_MS - performance.now()));
  }

  /** Runs one reload at a time. A change during a reload causes the next one. */
  async #lookAgain(): Promise<void> {
    const turn = this.#turn;
    this.#hasNews = false;
    await this.#look();
    if (turn !== this.#turn) return;
    this.#timer = undefined;
    if (this.#hasNews) this.#note();
  }
}
