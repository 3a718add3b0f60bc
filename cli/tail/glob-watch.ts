import { hasGlob } from "../../src/files/index.ts";
import { DIRECTORY_CHANGES, DIRECTORY_GONE } from "../../src/follow/index.ts";
import type { Session } from "../../src/sessions/index.ts";

/** Milliseconds after which to look although the directory is quiet: what no watch tells is left (a parent renamed). */
const QUIET_MS = 10_000;

/**
 * Knows when a pattern may match more than it did: its directory's inotify watch says so. Where there is none (a pattern in the directories, no watches
 * left) it may at every look.
 */
export class GlobWatch {
  readonly #directory: string | undefined;
  #session: Session | undefined;
  #isWatched = false;
  #hasChanged = true;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `path`: the pattern, as a path inside. */
  constructor(path: string) {
    const directory = path.slice(0, path.lastIndexOf("/")) || "/";
    this.#directory = hasGlob(directory) ? undefined : directory;
  }

  /** Whether to look now: then the next changes count anew. Watches from the first look at a session on. */
  async isDue(session: Session): Promise<boolean> {
    if (session !== this.#session || !this.#isWatched) await this.#watch(session);
    const now = performance.now();
    if (this.#isWatched && !this.#hasChanged && now - this.#lookedAt < QUIET_MS) return false;
    this.#hasChanged = false;
    this.#lookedAt = now;
    return true;
  }

  /** The look failed: the next one is due. */
  again(): void {
    this.#hasChanged = true;
  }

  async #watch(session: Session): Promise<void> {
    this.#session = session;
    this.#hasChanged = true;
    if (this.#directory === undefined) return;
    try {
      // Ends with the session.
      await session.watch(this.#directory, DIRECTORY_CHANGES, ({ mask }) => {
        this.#hasChanged = true;
        if (mask & DIRECTORY_GONE) this.#isWatched = false;
      });
      this.#isWatched = true;
    } catch {
      this.#isWatched = false;
    }
  }
}
