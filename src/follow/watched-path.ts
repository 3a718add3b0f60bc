import {
  IN_ATTRIB,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_Q_OVERFLOW,
} from "../descriptors/constants.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import { kindOf } from "../sessions/interface/open-file.ts";
import type { Session } from "../sessions/interface/session.ts";
import { type DirectorySubscriber, DirectoryWatch } from "./directory-watch.ts";
import { InotifyWatch } from "./inotify-watch.ts";

const CONTENT = IN_MODIFY;
const NAME_OF_FILE = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;

/**
 * Milliseconds between checks of a symbolic link whose directory and file are watched. No watch
 * reports that another link on its way was switched.
 */
const LINK_MS = 1500;
/**
 * Milliseconds between checks of any other watched path, on average. {@link DirectoryWatch} checks
 * its directory more often, so this finds only what neither reports, such as a mount on the file.
 */
const WATCHED_MS = 30_000;
/** The same for each path of its directory. */
const WATCHED_MS_EACH = 10;
/** Milliseconds by which a directory event may arrive after its effect was seen. */
const EVENT_MS = 1000;
/** The interval if a watch is missing: a missing file, no watches left, an ended session. */
const UNWATCHED_MS = 500;

/** Maximum number of remembered renames. */
const MAX_RENAMED = 1024;

type Listener = (what: "content" | "name") => void;

/**
 * inotify watches of a file and its directory, kept through rotations, recreated directories and
 * new sessions. A missing watch (limit reached, no such file) is not an error: {@link nameCheckMs}
 * then shortens the interval.
 */
export class WatchedPath implements DirectorySubscriber {
  readonly #path: string;
  readonly #directory: string;
  readonly #name: string;
  /** Prevents checks of many paths at the same time. */
  readonly #pace = 0.5 + Math.random();
  #listener: Listener | undefined;
  #session: Session | undefined;
  #directoryWatch: DirectoryWatch | undefined;
  #missing = false;
  /** Undefined if unknown: the name may have changed since the last {@link stat}. */
  #isLink: boolean | undefined;
  /** True if the directory's watch has reported the name since the file was last opened. */
  #directoryTold = true;
  /** The time since when the path has led to a file that the directory's watch did not report. */
  #unexplainedSince: number | undefined;
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

  /** statx(2) of the path's file. Remembers whether the path is a symbolic link. */
  async stat(session: Session): Promise<FileStat> {
    if (this.#isLink === true) return session.stat(this.#path);
    this.#isLink = false;
    const stat = await session.stat(this.#path, { noFollow: true });
    if (kindOf(stat.mode) !== "link") return stat;
    this.#isLink = true;
    return session.stat(this.#path);
  }

  /** Reports whether the path exists. */
  seen(isThere: boolean): void {
    if (isThere && this.#missing) void this.#directoryWatch?.verify();
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
      this.#isLink = undefined;
      this.#directoryWatch = DirectoryWatch.of(session, this.#directory);
      this.#directoryWatch.subscribe(this);
      this.#directoryWatch.addInterest(this, this.#name);
    }
    // The path leads through another directory, because a link was switched.
    if (performance.now() - (this.#unexplainedSince ?? Number.POSITIVE_INFINITY) > EVENT_MS) {
      this.#unexplainedSince = undefined;
      void this.#directoryWatch?.verify();
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
    // The file may have grown before it was watched.
    watch.settled(() => this.#listener?.("content"));
  }

  /** Returns the oldest path to which the file was renamed and that was not returned yet. */
  takeRenamed(): string | undefined {
    const name = this.#renamed.shift();
    if (name === undefined) return undefined;
    this.#loseInterest(name);
    return this.#directory === "/" ? `/${name}` : `${this.#directory}/${name}`;
  }

  /** Milliseconds between checks of the path, for the current watches. */
  get nameCheckMs(): number {
    const directory = this.#directoryWatch;
    if (this.#missing || directory?.isHeld !== true || !this.isWatched) return UNWATCHED_MS;
    if (this.#isLink !== false) return LINK_MS;
    return this.#pace * Math.max(WATCHED_MS, WATCHED_MS_EACH * directory.size);
  }

  /** True if the kernel reports writes to the newest file. */
  get isWatched(): boolean {
    return this.#fileWatches.at(-1)?.state === "held" && this.#session?.ended === undefined;
  }

  /** Delivers the events of the session, unless it is in `drained`. Adds it. */
  readEvents(drained: Set<object>): void {
    const session = this.#session;
    if (session === undefined || drained.has(session)) return;
    drained.add(session);
    session.readEvents();
  }

  end(): void {
    this.#listener = undefined;
    this.#release();
  }

  /** Called by the directory's watch. */
  changed(name: string, mask: number): void {
    // Other names are those of earlier generations.
    if (name !== "" && name !== this.#name) return;
    this.#isLink = undefined;
    this.#directoryTold = true;
    this.#unexplainedSince = undefined;
    this.#listener?.("name");
    if (mask & IN_Q_OVERFLOW) this.#listener?.("content");
  }

  /** Called by the directory's watch. */
  renamed(from: string, to: string): void {
    // The rename replaced the file that had the new name before.
    if (this.#renamed.includes(to)) this.#renamed = this.#renamed.filter((known) => known !== to);
    const wasKnown = this.#renamed.includes(from);
    if (wasKnown) this.#renamed = this.#renamed.map((known) => (known === from ? to : known));
    else if (from === this.#name) this.#renamed.push(to);
    if (wasKnown) this.#loseInterest(from);
    if (this.#renamed.includes(to)) this.#directoryWatch?.addInterest(this, to);
    else this.#loseInterest(to);
    if (this.#renamed.length > MAX_RENAMED) this.#loseInterest(this.#renamed.shift());
  }

  #loseInterest(name: string | undefined): void {
    if (name !== undefined && name !== this.#name) this.#directoryWatch?.removeInterest(this, name);
  }

  #release(): void {
    for (const name of [this.#name, ...this.#renamed]) this.#directoryWatch?.removeInterest(this, name);
    this.#directoryWatch?.unsubscribe(this);
    this.#directoryWatch = undefined;
    for (const watch of this.#fileWatches.splice(0)) watch.end();
  }
}
