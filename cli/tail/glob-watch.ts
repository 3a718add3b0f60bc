import { IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO } from "../../src/descriptors/index.ts";
import { hasGlob } from "../../src/files/index.ts";
import { type DirectorySubscriber, DirectoryWatch } from "../../src/follow/index.ts";
import type { Session } from "../../src/sessions/index.ts";

/**
 * Milliseconds after which a glob is expanded even without an event, such as after a mount on a
 * match.
 */
const QUIET_MS = 30_000;

/** Maximum number of created names that are stored until the next expansion. */
const MAX_CREATED = 4096;

/**
 * Detects when a glob may have new matches, by an inotify watch of its directory. Without a watch
 * (a glob in a directory name, no watches left) it expands the glob every time.
 */
export class GlobWatch implements DirectorySubscriber {
  readonly #directory: string | undefined;
  #session: Session | undefined;
  #watch: DirectoryWatch | undefined;
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
  isDue(session: Session): boolean {
    if (session !== this.#session) this.#lookFrom(session);
    const now = performance.now();
    if (this.#watch?.isHeld && !this.#hasChanged && now - this.#lookedAt < QUIET_MS) return false;
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

  end(): void {
    this.#watch?.unsubscribe(this);
    this.#watch = undefined;
  }

  /** Called by the directory's watch. */
  changed(name: string, mask: number): void {
    if (mask & IN_CREATE && this.#created.size < MAX_CREATED) this.#created.add(name);
    else if (mask & (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)) this.#created.delete(name);
    this.#hasChanged = true;
  }

  #lookFrom(session: Session): void {
    this.end();
    this.#session = session;
    this.#hasChanged = true;
    if (this.#directory === undefined) return;
    this.#watch = DirectoryWatch.of(session, this.#directory);
    this.#watch.subscribe(this, { all: true });
  }
}
