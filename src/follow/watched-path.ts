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
  IN_Q_OVERFLOW,
} from "../descriptors/constants.ts";
import type { InotifyEvent } from "../descriptors/inotify-event.ts";
import type { Session } from "../sessions/session.ts";
import { pathText } from "../target.ts";

const CONTENT = IN_MODIFY;
const NAME_OF_FILE = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
/**
 * Events of a watched directory. A watch of the same directory with other events would replace this
 * mask.
 */
export const DIRECTORY_CHANGES = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
/** Events that end the use of the watch. */
export const DIRECTORY_GONE = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED;

/**
 * Milliseconds between checks of a path whose directory and file are watched. No watch reports that
 * a parent directory was renamed, or that a link to one was switched.
 */
const WATCHED_MS = 1500;
/** Milliseconds by which a directory event may arrive after its effect was seen. */
const EVENT_MS = 1000;
/**
 * The interval of WATCHED_MS if a watch is missing: a missing directory, no watches left, an ended
 * session.
 */
const UNWATCHED_MS = 500;

/** Maximum number of remembered renames. */
const MAX_RENAMED = 1024;

type Listener = (what: "content" | "name") => void;

/**
 * inotify watches of a file and its directory, kept through rotations, recreated directories and
 * new sessions. A missing watch (limit reached, no such file) is not an error: {@link nameCheckMs}
 * then shortens the interval.
 */
export class WatchedPath {
  readonly #path: string;
  readonly #directory: string;
  readonly #name: string;
  #listener: Listener | undefined;
  #session: Session | undefined;
  #directoryWatch: InotifyWatch | undefined;
  #missing = false;
  /** True if the directory's watch has reported the name since the file was last opened. */
  #directoryTold = true;
  /** The time since when the path has led to a file that the directory's watch did not report. */
  #unexplainedSince: number | undefined;
  #movedFrom: { cookie: number; name: string } | undefined;
  /** Names to which the file was renamed, oldest first, updated by further renames. */
  #renamed: string[] = [];
  /** Watches of the newest file and of the previous one, whose writers may still be active. */
  #fileWatches: InotifyWatch[] = [];

  constructor(path: string) {
    const whole = path.replace(/\/+$/, "") || "/";
    const slash = whole.lastIndexOf("/");
    this.#path = path;
    this.#directory = slash > 0 ? whole.slice(0, slash) : slash === 0 ? "/" : ".";
    this.#name = whole.slice(slash + 1);
  }

  /**
   * Reports whether the path exists. A missing directory may be recreated, which no watch reports.
   */
  seen(isThere: boolean): void {
    if (isThere && this.#missing) this.#watchDirectoryAnew();
    this.#missing = !isThere;
  }

  begin(listener: Listener): void {
    this.#listener = listener;
  }

  /** Watches through this session and restores lost watches. */
  lookFrom(session: Session): void {
    if (this.#listener === undefined) return;
    if (session !== this.#session) {
      this.#release();
      this.#session = session;
    }
    if (this.#directoryWatch === undefined || this.#directoryWatch.state === "lost") {
      this.#directoryWatch?.end();
      this.#directoryWatch = this.#watchDirectory(session);
    }
    // The path leads through another directory, because a link was switched.
    if (performance.now() - (this.#unexplainedSince ?? Number.POSITIVE_INFINITY) > EVENT_MS) {
      this.#unexplainedSince = undefined;
      this.#watchDirectoryAnew();
    }
    if ((this.#fileWatches.at(-1)?.state ?? "lost") === "lost") this.fileChanged();
  }

  /** Watches another file, to which the path now leads. */
  fileChanged(): void {
    const session = this.#session;
    if (session === undefined || this.#listener === undefined) return;
    if (!this.#directoryTold) this.#unexplainedSince = performance.now();
    this.#directoryTold = false;
    while (this.#fileWatches.length > 1 || this.#fileWatches[0]?.state === "lost") this.#fileWatches.shift()?.end();
    const watch = new InotifyWatch();
    this.#fileWatches.push(watch);
    watch.hold(
      session.watch(this.#path, CONTENT | NAME_OF_FILE, ({ mask }) => {
        if (mask & IN_IGNORED) watch.state = "lost";
        if (mask & (CONTENT | IN_Q_OVERFLOW)) this.#listener?.("content");
        if (mask & ~CONTENT) this.#listener?.("name");
      }),
    );
  }

  /** Returns the oldest path to which the file was renamed and that was not returned yet. */
  takeRenamed(): string | undefined {
    const name = this.#renamed.shift();
    if (name === undefined) return undefined;
    return this.#directory === "/" ? `/${name}` : `${this.#directory}/${name}`;
  }

  /** Milliseconds between checks of the path, for the current watches. */
  get nameCheckMs(): number {
    const watched = this.#directoryWatch?.state === "held" && this.#fileWatches.at(-1)?.state === "held";
    if (this.#missing) return UNWATCHED_MS;
    return watched && this.#session?.ended === undefined ? WATCHED_MS : UNWATCHED_MS;
  }

  /** True if the kernel reports writes to the newest file. */
  get isWatched(): boolean {
    return this.#fileWatches.at(-1)?.state === "held" && this.#session?.ended === undefined;
  }

  end(): void {
    this.#listener = undefined;
    this.#release();
  }

  #watchDirectoryAnew(): void {
    if (this.#session === undefined || this.#listener === undefined) return;
    const old = this.#directoryWatch;
    this.#directoryWatch = this.#watchDirectory(this.#session);
    // Ends the old watch only now: both may be the same watch in the kernel.
    this.#directoryWatch.settled(() => old?.end());
  }

  #watchDirectory(session: Session): InotifyWatch {
    const watch = new InotifyWatch();
    watch.hold(
      session.watch(this.#directory, DIRECTORY_CHANGES, (event: InotifyEvent) => {
        if (event.mask & DIRECTORY_GONE) watch.state = "lost";
        const name = pathText(event.name);
        this.#noteRename(event, name);
        // Ignores other names of the directory. An overflow affects all names.
        if (name !== "" && name !== this.#name) return;
        this.#directoryTold = true;
        this.#unexplainedSince = undefined;
        this.#listener?.("name");
        if (event.mask & IN_Q_OVERFLOW) this.#listener?.("content");
      }),
    );
    return watch;
  }

  #noteRename({ mask, cookie }: InotifyEvent, name: string): void {
    if (mask & IN_MOVED_FROM) this.#movedFrom = { cookie, name };
    if (!(mask & IN_MOVED_TO) || this.#movedFrom?.cookie !== cookie) return;
    const from = this.#movedFrom.name;
    this.#movedFrom = undefined;
    // The rename replaced the file that had the new name before.
    this.#renamed = this.#renamed.filter((known) => known !== name).map((known) => (known === from ? name : known));
    if (from === this.#name) this.#renamed.push(name);
    if (this.#renamed.length > MAX_RENAMED) this.#renamed.shift();
  }

  #release(): void {
    this.#directoryWatch?.end();
    this.#directoryWatch = undefined;
    for (const watch of this.#fileWatches.splice(0)) watch.end();
  }
}

/** An inotify watch, from its request on. */
class InotifyWatch {
  state: "asked" | "held" | "lost" = "asked";
  #remove: (() => void) | undefined;
  #onSettled: () => void = () => undefined;
  #over = false;

  hold(asked: Promise<() => void>): void {
    asked.then(
      (remove) => {
        if (this.#over) {
          remove();
          return this.#onSettled();
        }
        this.#remove = remove;
        if (this.state === "asked") this.state = "held";
        this.#onSettled();
      },
      () => {
        this.state = "lost";
        this.#onSettled();
      },
    );
  }

  /** Calls back when the request has succeeded or failed. */
  settled(callback: () => void): void {
    this.#onSettled = callback;
  }

  end(): void {
    this.#over = true;
    this.#remove?.();
  }
}
