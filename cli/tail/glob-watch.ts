import { IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO } from "../../src/descriptors/index.ts";
import { hasGlob } from "../../src/files/index.ts";
import { DIRECTORY_CHANGES, DIRECTORY_GONE } from "../../src/follow/index.ts";
import type { Session } from "../../src/sessions/index.ts";
import { pathText } from "../../src/target.ts";

/** Milliseconds after which to look although the directory is quiet: what no watch tells is left (a parent renamed). */
const QUIET_MS = 1_500;

/** Created names that are remembered until the next look. */
const MOST_CREATED = 4096;

/**
 * Knows when a pattern may match more than it did: its directory's inotify watch says so. Where there is none (a pattern in the directories, no watches
 * left) it may at every look.
 */
export class GlobWatch {
  readonly #directory: string | undefined;
  #session: Session | undefined;
  #isWatched = false;
  #hasChanged = true;
  /** Names that were created in the directory, not renamed, as its watch tells. */
  readonly #created = new Set<string>();
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

  /** True when the directory's watch told that this path was made new, with no file renamed to it since. Told once. */
  wasCreated(path: string): boolean {
    return this.#created.delete(path.slice(path.lastIndexOf("/") + 1));
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
      await session.watch(this.#directory, DIRECTORY_CHANGES, ({ mask, name }) => {
        const text = pathText(name);
        if (mask & IN_CREATE && this.#created.size < MOST_CREATED) this.#created.add(text);
        else if (mask & (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)) this.#created.delete(text);
        this.#hasChanged = true;
        if (mask & DIRECTORY_GONE) this.#isWatched = false;
      });
      this.#isWatched = true;
    } catch {
      this.#isWatched = false;
    }
  }
}
