import {
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from "../descriptors/constants.ts";
import type { InotifyEvent } from "../descriptors/files/inotify-event.ts";
import { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/interface/session.ts";
import { pathText } from "../target.ts";
import { identityOf } from "./identity.ts";
import { InotifyWatch } from "./inotify-watch.ts";
import { type Identity, isSameFile } from "./machine.ts";
import { onRound } from "./ticker.ts";

/**
 * Events of a watched directory. A watch of the same directory with other events would replace this
 * mask.
 */
const CHANGES = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
/** Events that end the use of the watch. */
const GONE = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED;

const TICK_MS = 250;
/**
 * Milliseconds between checks of a watched directory. No watch reports that a parent directory was
 * renamed, or that a link to one was switched.
 */
const WATCHED_MS = 1500;
/** The interval without a watch: no such directory, no watches left. */
const UNWATCHED_MS = 500;

/** Receives the events of the names in which it is interested. */
export interface DirectorySubscriber {
  /**
   * Called for an event of a name (mask as in inotify(7)). The name is empty if any name may have
   * changed, such as when the path leads to another directory.
   */
  changed(name: string, mask: number): void;
  /** A file was renamed within the directory. Called before `changed`. */
  renamed?(from: string, to: string): void;
}

/**
 * A directory of a session, with one watch and one periodic check for all followed names. The cost
 * of an event does not depend on their number.
 */
export class DirectoryWatch {
  static readonly #shared = new WeakMap<Session, Map<string, DirectoryWatch>>();
  readonly #session: Session;
  readonly #path: string;
  readonly #subscribers = new Set<DirectorySubscriber>();
  /** Subscribers by the names that interest them. */
  readonly #interests = new Map<string, Set<DirectorySubscriber>>();
  /** Subscribers that are interested in all names. */
  readonly #ofAll = new Set<DirectorySubscriber>();
  readonly #endRound: () => void;
  #watch: InotifyWatch | undefined;
  /** The directory to which the path led before it was watched. */
  #identity: Identity | undefined;
  #movedFrom: { cookie: number; name: string } | undefined;
  #busy = false;
  #checkedAt = performance.now();

  private constructor(session: Session, path: string) {
    this.#session = session;
    this.#path = path;
    this.#endRound = onRound(TICK_MS, (now) => {
      if (session.ended !== undefined) this.#endRound();
      else if (now - this.#checkedAt >= (this.isHeld ? WATCHED_MS : UNWATCHED_MS)) void this.verify();
      return false;
    });
    void this.verify();
  }

  /** Returns the watch of a directory, which all its subscribers share. */
  static of(session: Session, path: string): DirectoryWatch {
    const all = DirectoryWatch.#shared.get(session) ?? new Map<string, DirectoryWatch>();
    DirectoryWatch.#shared.set(session, all);
    const watch = all.get(path) ?? new DirectoryWatch(session, path);
    all.set(path, watch);
    return watch;
  }

  /** True if the kernel reports changes of the directory. */
  get isHeld(): boolean {
    return this.#watch?.state === "held" && this.#session.ended === undefined;
  }

  /** Number of subscribers. */
  get size(): number {
    return this.#subscribers.size;
  }

  /** Adds a subscriber, for all names or those of {@link addInterest}. */
  subscribe(subscriber: DirectorySubscriber, { all = false } = {}): void {
    this.#subscribers.add(subscriber);
    if (all) this.#ofAll.add(subscriber);
  }

  addInterest(subscriber: DirectorySubscriber, name: string): void {
    const interested = this.#interests.get(name) ?? new Set();
    this.#interests.set(name, interested.add(subscriber));
  }

  removeInterest(subscriber: DirectorySubscriber, name: string): void {
    const interested = this.#interests.get(name);
    if (interested?.delete(subscriber) && interested.size === 0) this.#interests.delete(name);
  }

  /** Remove all interests first. The watch ends with its last subscriber. */
  unsubscribe(subscriber: DirectorySubscriber): void {
    this.#ofAll.delete(subscriber);
    if (!this.#subscribers.delete(subscriber) || this.#subscribers.size > 0) return;
    this.#endRound();
    this.#watch?.end();
    DirectoryWatch.#shared.get(this.#session)?.delete(this.#path);
  }

  /**
   * Checks which directory the path leads to. Watches it if it is another one, or if there is no
   * watch.
   */
  async verify(): Promise<void> {
    if (this.#busy || this.#session.ended !== undefined) return;
    this.#busy = true;
    try {
      // Both requests are sent at once, before any later request of a subscriber.
      const isFirst = this.#watch === undefined;
      const asked = this.#session.stat(this.#path);
      if (isFirst) this.#hold();
      await this.#compare(identityOf(await asked), isFirst);
    } catch (error) {
      if (error instanceof PortholeError && error.code === "FILE") this.#lose();
    } finally {
      this.#busy = false;
      this.#checkedAt = performance.now();
    }
  }

  async #compare(identity: Identity, isFirst: boolean): Promise<void> {
    const isSame = isFirst || isSameFile(identity, this.#identity);
    this.#identity = identity;
    if ((isSame && this.#watch?.state !== "lost") || this.#subscribers.size === 0) return;
    await this.#hold();
    // Reports what happened before the watch. Without a watch, the subscribers check by themselves.
    if (!isSame || this.isHeld) this.#tell("", 0);
  }

  /** Watches the directory. Resolves when that has succeeded or failed. */
  #hold(): Promise<void> {
    const old = this.#watch;
    const watch = new InotifyWatch();
    this.#watch = watch;
    watch.hold(
      this.#session.watch(this.#path, CHANGES, (event) => {
        if (event.mask & GONE) watch.state = "lost";
        this.#take(event);
      }),
    );
    return new Promise((resolve) => {
      watch.settled(() => {
        // Ends the old watch only now: both may be the same watch in the kernel.
        old?.end();
        if (this.#subscribers.size === 0) watch.end();
        resolve();
      });
    });
  }

  /** The directory does not exist, or cannot be checked. */
  #lose(): void {
    const wasThere = this.#identity !== undefined;
    this.#identity = undefined;
    if (this.#watch) this.#watch.state = "lost";
    if (wasThere) this.#tell("", 0);
  }

  #take({ mask, cookie, name: bytes }: InotifyEvent): void {
    const name = pathText(bytes);
    if (mask & IN_MOVED_FROM) this.#movedFrom = { cookie, name };
    if (mask & IN_MOVED_TO && this.#movedFrom?.cookie === cookie) {
      const from = this.#movedFrom.name;
      this.#movedFrom = undefined;
      for (const each of new Set([...(this.#interests.get(name) ?? []), ...(this.#interests.get(from) ?? [])]))
        each.renamed?.(from, name);
    }
    this.#tell(name, mask);
  }

  #tell(name: string, mask: number): void {
    const concerned = name === "" ? this.#subscribers : (this.#interests.get(name) ?? []);
    for (const each of [...concerned]) each.changed(name, mask);
    if (name !== "") for (const each of this.#ofAll) each.changed(name, mask);
  }
}
