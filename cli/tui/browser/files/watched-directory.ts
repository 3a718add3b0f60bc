import {
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from "../../../../src/descriptors/index.ts";
import { PortholeError } from "../../../../src/errors.ts";
import type { Session } from "../../../../src/sessions/index.ts";

/** Events that change a list of files with sizes and times (inotify(7)). */
const MASK =
  IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

/** Events after which the path no longer leads to the watched directory. */
const GONE = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED;

/** Minimum milliseconds between two reloads of a directory that changes constantly. */
const MIN_MS = 500;

/**
 * Calls `look` soon after a directory has changed, at most twice a second. If the directory cannot
 * be watched, never calls it, and {@link failure} is the reason.
 */
export class WatchedDirectory {
  readonly #look: () => Promise<void>;
  #end: (() => void) | undefined;
  /** The session of the watch; undefined without a watch. */
  #session: Session | undefined;
  /** Resolves when the session has answered. */
  #asked = Promise.resolve();
  #failure: PortholeError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #last = 0;
  /** True if the directory has changed since the last reload began. */
  #hasNews = false;
  /** True while the directory is read: changes wait for the end. */
  #isRead = false;

  /** `look` must not reject. */
  constructor(look: () => Promise<void>) {
    this.#look = look;
  }

  /** Why the directory cannot be watched. */
  get failure(): PortholeError | undefined {
    return this.#failure;
  }

  /**
   * Begins a reload through this session. Watches the directory first if it is not watched, so that
   * no change is missed. {@link looked} ends the reload.
   */
  async watch(session: Session, path: string): Promise<void> {
    this.#isRead = true;
    if (session !== this.#session) {
      this.#release();
      this.#session = session;
      this.#asked = this.#ask(session, path);
    }
    await this.#asked;
  }

  close(): void {
    this.#release();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#hasNews = false;
    this.#isRead = false;
  }

  /** Reports the duration of a reload: the next one waits ten times as long. */
  looked(milliseconds: number): void {
    this.#last = performance.now() + Math.max(0, 10 * milliseconds - MIN_MS);
    this.#isRead = false;
    if (this.#hasNews) this.#schedule();
  }

  async #ask(session: Session, path: string): Promise<void> {
    const turn = this.#turn;
    try {
      const end = await session.watch(path, MASK, ({ mask }) => turn === this.#turn && this.#note(mask));
      if (turn !== this.#turn) end();
      else this.#end = end;
    } catch (error) {
      if (!(error instanceof PortholeError)) throw error;
      if (turn !== this.#turn) return;
      this.#session = undefined;
      this.#failure = error;
    }
  }

  #release(): void {
    this.#turn++;
    this.#end?.();
    this.#end = undefined;
    this.#session = undefined;
    this.#failure = undefined;
  }

  #note(mask: number): void {
    if (mask & GONE) this.#release();
    this.#hasNews = true;
    if (!this.#isRead) this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#hasNews = false;
        this.#isRead = true;
        void this.#look();
      },
      Math.max(50, this.#last + MIN_MS - performance.now()),
    );
  }
}
