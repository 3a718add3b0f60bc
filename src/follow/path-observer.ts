import type { FollowMachine, Identity } from "./machine.ts";
import type { FollowFile, FollowSource } from "./source.ts";
import type { Waker } from "./waker.ts";

/**
 * Maximum number of queued generations, each an open descriptor. Later rotations are noticed when
 * there is room; a file that was rotated twice by then is lost.
 */
const MAX_QUEUED = 4096;

/** Tracks what the path refers to and opens each new generation at once. */
export class PathObserver<File extends FollowFile> {
  readonly queue: File[] = [];
  readonly #source: FollowSource<File>;
  readonly #machine: FollowMachine;
  readonly #waker: Waker;
  readonly #options: ObserverOptions<File>;
  /** Recently opened generations. */
  readonly #known = new Set<string>();
  /** True if the newest generation was renamed away from the path. */
  #newestLeft = false;
  #busy: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #checkedAt = performance.now();
  #failure: { error: unknown; since: number; reported: boolean } | undefined;
  #reachable = false;

  constructor(source: FollowSource<File>, machine: FollowMachine, waker: Waker, options: ObserverOptions<File>) {
    this.#source = source;
    this.#machine = machine;
    this.#waker = waker;
    this.#options = options;
    if (source.file) this.#know(source.file.identity);
  }

  /** Checks the path if the interval has passed. */
  tick(): void {
    const due = this.#source.nameCheckMs?.() ?? this.#options.intervalMs;
    if (performance.now() - this.#checkedAt >= due) void this.check();
    else if (this.#failure && !this.#failure.reported) this.#waker.wake();
  }

  /**
   * Checks the path. A call during a check repeats it, so that no change is missed. Never rejects.
   */
  async check(): Promise<void> {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = this.#checkUntilSettled();
    await this.#busy;
    this.#busy = undefined;
    this.#checkedAt = performance.now();
  }

  /** True while the path is being checked, if the previous check did not fail. */
  get isChecking(): boolean {
    return this.#busy !== undefined && this.#failure === undefined;
  }

  /** True while the path cannot be checked and that was reported. */
  get isTroubled(): boolean {
    return this.#failure?.reported === true;
  }

  /** True if time alone causes an event: a failure is reported after a while. */
  get isRestless(): boolean {
    return this.#failure?.reported === false;
  }

  takeTrouble(): { kind: "unreachable"; error: unknown } | { kind: "reachable" } | undefined {
    const failure = this.#failure;
    if (failure && !failure.reported && performance.now() - failure.since >= this.#options.goneMs) {
      failure.reported = true;
      return { kind: "unreachable", error: failure.error };
    }
    if (!this.#reachable) return undefined;
    this.#reachable = false;
    return { kind: "reachable" };
  }

  /** Stops and closes the queued generations. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#busy;
    for (const file of this.queue.splice(0)) await file.close();
  }

  async #checkUntilSettled(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        const news = await this.#look();
        if (this.#failure?.reported) this.#reachable = true;
        if (news || this.#failure) this.#waker.wake();
        this.#failure = undefined;
      } catch (error) {
        this.#failure ??= { error, since: performance.now(), reported: false };
        this.#waker.wake();
      }
    }
  }

  /** True if the reader has a decision to make. */
  async #look(): Promise<boolean> {
    const identity = await this.#source.locate();
    let news = false;
    if (this.queue.length < MAX_QUEUED) {
      const isNew = this.#machine.pathSeen(identity, performance.now());
      const next = isNew ? await this.#source.reopen() : undefined;
      if (isNew && !next) this.#machine.pathSeen(undefined, performance.now());
      news = next ? await this.#takeWithMissed(next) : (await this.#takeMissed()) || isNew;
    }
    return news || this.#machine.restless;
  }

  async #takeMissed(): Promise<boolean> {
    const { older, newer } = await this.#missed(this.#machine.newest);
    for (const file of older) await this.#takeOlder(file);
    for (const file of newer) await this.#take(file);
    return older.length + newer.length > 0;
  }

  /** Queues the current file and those that were renamed away before and after it. */
  async #takeWithMissed(next: File): Promise<true> {
    this.#newestLeft = false;
    let missed: Missed<File>;
    try {
      missed = await this.#missed(next.identity);
    } catch (error) {
      await next.close();
      throw error;
    }
    for (const file of [...missed.older, next, ...missed.newer]) await this.#take(file);
    return true;
  }

  /** Opens missed generations; `newest` separates older from newer ones. */
  async #missed(newest: Identity | undefined): Promise<Missed<File>> {
    const missed: Missed<File> = { older: [], newer: [] };
    if (!this.#options.late) return missed;
    const keyOfNewest = newest && keyOf(newest);
    const newer = new Set<string>();
    const known = (identity: Identity) => {
      const key = keyOf(identity);
      // Generations leave the name in order: a file renamed after the newest is newer.
      if (key === keyOfNewest) this.#newestLeft = true;
      else if (this.#newestLeft) newer.add(key);
      return key === keyOfNewest || this.#known.has(key);
    };
    for (const file of (await this.#source.renamedAway?.(known)) ?? [])
      missed[newer.has(keyOf(file.identity)) ? "newer" : "older"].push(file);
    return missed;
  }

  async #take(file: File): Promise<void> {
    if (this.#closed || !this.#machine.opened(file.identity)) return void (await file.close());
    this.#know(file.identity);
    this.queue.push(file);
  }

  async #takeOlder(file: File): Promise<void> {
    if (this.#closed) return void (await file.close());
    this.#know(file.identity);
    if (this.#machine.missed(file.identity) === "queued") this.queue.splice(this.queue.length - 1, 0, file);
    else this.#options.late?.(file);
  }

  #know(identity: Identity): void {
    const key = keyOf(identity);
    this.#known.delete(key);
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Missed generations, oldest first, before and after the newest known one. */
interface Missed<File> {
  older: File[];
  newer: File[];
}

/**
 * Options of a {@link PathObserver}. `late` receives a generation older than the current one;
 * undefined skips such generations.
 */
interface ObserverOptions<File> {
  intervalMs: number;
  goneMs: number;
  late: ((file: File) => void) | undefined;
}

/** Number of generations that a rename may bring back. */
const MAX_KNOWN = 2048;

function keyOf({ device, inode, born }: Identity): string {
  return `${device}:${inode}:${born ?? ""}`;
}
