import { PortholeError } from "../../../src/errors.ts";
import type { BrowserTarget } from "./browser-target.ts";

/** inotify(7): what changes a list of files with their sizes and times. */
const MASK = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800;

/** Minimum milliseconds between two reloads of a directory that changes constantly. */
const LEAST_MS = 500;

/**
 * Says when a directory has changed: soon after a change, never more often than twice a second.
 * Where it cannot be watched, never.
 */
export class WatchedDirectory {
  readonly #look: () => Promise<void>;
  #end: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #last = 0;
  /** Something changed since the last look began. */
  #hasNews = false;

  /** `look` does not reject. */
  constructor(look: () => Promise<void>) {
    this.#look = look;
  }

  /** Watches this directory from now on, and no other. */
  async watch(place: BrowserTarget, path: string): Promise<void> {
    this.close();
    const turn = this.#turn;
    try {
      const session = await place.session();
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

  /** A look took so long: the next one is not before ten times that. */
  looked(milliseconds: number): void {
    this.#last = performance.now() + Math.max(0, 10 * milliseconds - LEAST_MS);
  }

  #note(): void {
    this.#hasNews = true;
    this.#timer ??= setTimeout(() => void this.#lookAgain(), Math.max(50, this.#last + LEAST_MS - performance.now()));
  }

  /** One look at a time: what changes during one is for the next. */
  async #lookAgain(): Promise<void> {
    const turn = this.#turn;
    this.#hasNews = false;
    await this.#look();
    if (turn !== this.#turn) return;
    this.#timer = undefined;
    if (this.#hasNews) this.#note();
  }
}
