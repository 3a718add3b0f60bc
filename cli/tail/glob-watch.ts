import { IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO } from "../../src/descriptors/index.ts";
import { hasGlob } from "../../src/files/index.ts";
import { DIRECTORY_CHANGES, DIRECTORY_GONE } from "../../src/follow/index.ts";
import type { Session } from "../../src/sessions/index.ts";
import { pathText } from "../../src/target.ts";

/**
 * Milliseconds after which a glob is expanded even without an event: a watch does not report a
 * renamed parent.
 */
const QUIET_MS = 1_500;

/** Maximum number of created names that are stored until the next expansion. */
const MAX_CREATED = 4096;

/**
 * Detects when a glob may have new matches, by an inotify watch of its directory. Without a watch
 * (a glob in a directory name, no watches left) it expands the glob every time.
 */
export class GlobWatch {
  readonly #directory: string | undefined;
  #session: Session | undefined;
  #isWatched = false;
  #hasChanged = true;
  /** Names of files that were created in the directory, not renamed into it. */
  readonly #created = new Set<string>();
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** `path`: the glob, as a path in the target. */
  constructor(path: string) {
    const directory = path.slice(0, path.lastIndexOf("/")) || "/";
    this.#directory = hasGlob(directory) ? undefined : directory;
  }

  /**
   * Returns whether to expand the glob now, and resets the change flag. Starts the watch of a new
   * session.
   */
  async isDue(session: Session): Promise<boolean> {
    if (session !== this.#session || !this.#isWatched) await this.#watch(session);
    const now = performance.now();
    if (this.#isWatched && !this.#hasChanged && now - this.#lookedAt < QUIET_MS) return false;
    this.#hasChanged = false;
    this.#lookedAt = now;
    return true;
  }

  /**
   * True if the path was created, and no file was renamed to it afterwards. Returns true only once
   * per creation.
   */
  wasCreated(path: string): boolean {
    return this.#created.delete(path.slice(path.lastIndexOf("/") + 1));
  }

  /** Makes an expansion due at once. Call it after a failed expansion. */
  again(): void {
    this.#hasChanged = true;
  }

  async #watch(session: Session): Promise<void> {
    this.#session = session;
    this.#hasChanged = true;
    if (this.#directory === undefined) return;
    try {
      // The watch ends with the session.
      await session.watch(this.#directory, DIRECTORY_CHANGES, ({ mask, name }) => {
        const text = pathText(name);
        if (mask & IN_CREATE && this.#created.size < MAX_CREATED) this.#created.add(text);
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
