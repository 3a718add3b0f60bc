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
/** As a directory is watched here: a watch of the same directory with other events would take these their place. */
export const DIRECTORY_CHANGES = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
/** Of these: the watch is of no use any more. */
export const DIRECTORY_GONE = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED;

/**
 * Milliseconds between questions about a path whose directory and file are watched. No watch tells that a directory on
 * the way was renamed, or that a link to one was switched.
 */
const WATCHED_MS = 1500;
/** Milliseconds by which an event of the directory's watch may come after what it tells was seen. */
const EVENT_MS = 1000;
/** The same as WATCHED_MS while something is not watched: a missing directory, no watches left, a session that ended. */
const UNWATCHED_MS = 500;

/** Renames that are remembered until somebody asks. */
const MAX_RENAMED = 1024;

type Listener = (what: "content" | "name") => void;

/**
 * inotify watches on a path's file and on its directory, kept up through rotations, directories made again and new sessions. A watch that cannot be had
 * (the limit of watches, nothing there) is no failure: {@link nameCheckMs} then asks for more frequent looks.
 */
export class WatchedPath {
  readonly #path: string;
  readonly #directory: string;
  readonly #name: string;
  #listener: Listener | undefined;
  #session: Session | undefined;
  #directoryWatch: InotifyWatch | undefined;
  #missing = false;
  /** The watch of the directory told of the name since the file was opened last. */
  #directoryTold = true;
  /** Since when the path has named a file of which the directory's watch tells nothing. */
  #unexplainedSince: number | undefined;
  #movedFrom: { cookie: number; name: string } | undefined;
  /** Names in the directory to which the path's file was renamed, oldest first, kept up through further renames. */
  #renamed: string[] = [];
  /** The newest file's, and that of the one before, whose writers may still be at it. */
  #fileWatches: InotifyWatch[] = [];

  constructor(path: string) {
    const whole = path.replace(/\/+$/, "") || "/";
    const slash = whole.lastIndexOf("/");
    this.#path = path;
    this.#directory = slash > 0 ? whole.slice(0, slash) : slash === 0 ? "/" : ".";
    this.#name = whole.slice(slash + 1);
  }

  /** What the path named when last asked. A directory that is missing with it may be made anew, which no watch tells. */
  seen(isThere: boolean): void {
    if (isThere && this.#missing) this.#watchDirectoryAnew();
    this.#missing = !isThere;
  }

  begin(listener: Listener): void {
    this.#listener = listener;
  }

  /** Watches from this session on, unless it does already; puts back what was lost meanwhile. */
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
    // The path leads through another directory now: a link on the way was switched.
    if (performance.now() - (this.#unexplainedSince ?? Number.POSITIVE_INFINITY) > EVENT_MS) {
      this.#unexplainedSince = undefined;
      this.#watchDirectoryAnew();
    }
    if ((this.#fileWatches.at(-1)?.state ?? "lost") === "lost") this.fileChanged();
  }

  /** The path names another file now, whose writes are the ones to hear of. */
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

  /** A path to which the file was renamed, the oldest that was not taken yet. */
  takeRenamed(): string | undefined {
    const name = this.#renamed.shift();
    if (name === undefined) return undefined;
    return this.#directory === "/" ? `/${name}` : `${this.#directory}/${name}`;
  }

  /** How often to ask what the path names, as things are. */
  get nameCheckMs(): number {
    const watched = this.#directoryWatch?.state === "held" && this.#fileWatches.at(-1)?.state === "held";
    if (this.#missing) return UNWATCHED_MS;
    return watched && this.#session?.ended === undefined ? WATCHED_MS : UNWATCHED_MS;
  }

  /** Whether the kernel tells of writes to the newest file. */
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
    // Not before: both may be one watch to the kernel.
    this.#directoryWatch.settled(() => old?.end());
  }

  #watchDirectory(session: Session): InotifyWatch {
    const watch = new InotifyWatch();
    watch.hold(
      session.watch(this.#directory, DIRECTORY_CHANGES, (event: InotifyEvent) => {
        if (event.mask & DIRECTORY_GONE) watch.state = "lost";
        const name = pathText(event.name);
        this.#noteRename(event, name);
        // A busy directory holds many other names. An overflow concerns all.
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
    // What was there under the new name is gone.
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

/** A watch, from the request for it on. */
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

  /** Calls back when it is known whether the watch is had. */
  settled(callback: () => void): void {
    this.#onSettled = callback;
  }

  end(): void {
    this.#over = true;
    this.#remove?.();
  }
}
