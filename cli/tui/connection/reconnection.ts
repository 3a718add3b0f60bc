import { PortholeError } from "../../../src/errors.ts";
import { onTick } from "../../../src/follow/index.ts";
import type { Session } from "../../../src/sessions/index.ts";

/** Milliseconds between checks of the session. */
const TICK_MS = 250;

/** Milliseconds between two attempts. The pause doubles up to the maximum. */
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 2_000;

/** The end of a session that lasted this many milliseconds is followed by an attempt at once. */
const STEADY_MS = 10_000;

/**
 * Maximum number of attempts in a row that fail although the target runs. Each may start a process
 * or a container.
 */
const MAX_REFUSALS = 5;

/** A list that shows data of a target, and updates it. */
export interface KeptList {
  /** Called when a new session has replaced the one that ended. `news`: a message, or empty. */
  back(news: string): void;
  /** Called when {@link Reconnection.message} has changed. */
  changed(): void;
}

/** The session of a target, for its reconnection. */
export interface ReconnectionTarget {
  /** The target as the user writes it; empty for this machine. */
  readonly name: string;
  /** True for a process: its number can only return for another process. */
  readonly isProcess: boolean;
  /** The last session, which may have ended; undefined before the first one. */
  readonly current: Session | undefined;
  session(options: { runningOnly: boolean }): Promise<Session>;
}

/**
 * Connects to a target again while lists show it, with a limited rate. Waits without end for a
 * target that does not run or whose engine does not respond. Stops if the target refuses.
 */
export class Reconnection {
  readonly #target: ReconnectionTarget;
  readonly #lists = new Set<KeptList>();
  #endTicks: (() => void) | undefined;
  /** The session whose data the lists show. */
  #seen: Session | undefined;
  #seenAt = 0;
  #isLost = false;
  #isTrying = false;
  /** True if no further attempt is made. */
  #isOver = false;
  #failure: unknown;
  #refusals = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #nextAt = 0;

  constructor(target: ReconnectionTarget) {
    this.#target = target;
  }

  /** Reconnects until the returned function is called. */
  keep(list: KeptList): () => void {
    if (this.#lists.size === 0) this.#begin();
    this.#lists.add(list);
    this.#endTicks ??= onTick(TICK_MS, () => this.#look());
    return () => {
      this.#lists.delete(list);
      if (this.#lists.size > 0) return;
      this.#endTicks?.();
      this.#endTicks = undefined;
    };
  }

  /** True if the session has ended and only the user can connect again. */
  get isOver(): boolean {
    return this.#isOver && this.#target.current?.ended !== undefined;
  }

  /**
   * Why the lists show old data, and the key that reads it again. Empty while the session is live.
   */
  message(key: string): string {
    if (this.#target.current?.ended === undefined) return "";
    const { name } = this.#target;
    // The reason comes first and without its hint, because a row may be narrow.
    const reason = this.#failure instanceof Error ? this.#failure.message : `${name} is disconnected`;
    return this.#isOver ? `${reason} (${key} reads it again)` : `${reason}; waiting for it (${key} reads now)`;
  }

  #begin(): void {
    const { current } = this.#target;
    this.#seen = current?.ended === undefined ? current : undefined;
    this.#isLost = false;
    this.#isOver = false;
    this.#failure = undefined;
    this.#refusals = 0;
  }

  #look(): void {
    const { current } = this.#target;
    // A list connects by itself when it is opened.
    if (current === undefined) return;
    if (current.ended === undefined) {
      if (current !== this.#seen || this.#isLost) this.#found(current);
      return;
    }
    if (!this.#isLost) this.#lost();
    if (!this.#isOver && !this.#isTrying && performance.now() >= this.#nextAt) void this.#try(current);
  }

  #lost(): void {
    this.#isLost = true;
    const now = performance.now();
    if (now - this.#seenAt >= STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    else this.#nextAt = now + this.#pauseMs;
    for (const list of this.#lists) list.changed();
  }

  #found(session: Session): void {
    const before = this.#seen;
    const isNew = before !== undefined || this.#isLost;
    this.#seen = session;
    this.#seenAt = performance.now();
    this.#isLost = false;
    this.#isOver = false;
    this.#failure = undefined;
    this.#refusals = 0;
    if (isNew) for (const list of this.#lists) list.back(this.#news(before, session));
  }

  #news(before: Session | undefined, { instance }: Session): string {
    if (before === undefined || before.instance === instance) return "";
    const { name, isProcess } = this.#target;
    if (isProcess) return `${name}: another process has this number now`;
    // A restart changes the part after the first dot.
    const isSame = before.instance.split(".")[0] === instance.split(".")[0];
    return isSame ? "" : `${name}: another container has this name now`;
  }

  async #try({ offline }: Session): Promise<void> {
    this.#isTrying = true;
    try {
      // Waits for the next running container. Its files while it is stopped are for the user to
      // request.
      await this.#target.session({ runningOnly: offline === undefined });
      this.#look();
    } catch (error) {
      this.#refused(error);
    }
    this.#isTrying = false;
    this.#pauseMs = Math.min(MAX_PAUSE_MS, 2 * this.#pauseMs);
    this.#nextAt = performance.now() + this.#pauseMs;
  }

  #refused(error: unknown): void {
    this.#failure = error;
    const isMissing = error instanceof PortholeError && error.code === "TARGET";
    this.#refusals = isMissing ? 0 : this.#refusals + 1;
    this.#isOver = isMissing ? this.#target.isProcess : this.#refusals >= MAX_REFUSALS;
    for (const list of this.#lists) list.changed();
  }
}
