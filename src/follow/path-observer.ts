import type { FollowMachine, Identity } from "./machine.ts";
import type { FollowFile, FollowSource } from "./source.ts";
import type { Waker } from "./waker.ts";

/**
 * New generations that may wait while the consumer does not pull, each an open descriptor. Rotations beyond that are seen when there is room again,
 * and what was rotated away twice by then is lost.
 */
const MAX_QUEUED = 4096;

/** Keeps up with what the path names and opens each new generation at once. */
export class PathObserver<File extends FollowFile> {
  readonly queue: File[] = [];
  readonly #source: FollowSource<File>;
  readonly #machine: FollowMachine;
  readonly #waker: Waker;
  readonly #options: ObserverOptions<File>;
  /** The generations that were opened, lately. */
  readonly #known = new Set<string>();
  /** The newest generation was seen to be renamed away from the path. */
  #newestLeft = false;
  #busy: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #checkedAt = performance.now();
  #failure: { error: unknown; since: number; told: boolean } | undefined;
  #reachable = false;

  constructor(source: FollowSource<File>, machine: FollowMachine, waker: Waker, options: ObserverOptions<File>) {
    this.#source = source;
    this.#machine = machine;
    this.#waker = waker;
    this.#options = options;
    if (source.file) this.#know(source.file.identity);
  }

  /** Checks when it is time to, though nothing says so. */
  tick(): void {
    const due = this.#source.nameCheckMs?.() ?? this.#options.intervalMs;
    if (performance.now() - this.#checkedAt >= due) void this.check();
    else if (this.#failure && !this.#failure.told) this.#waker.wake();
  }

  /** One check at a time; a call during one makes it look again, so that no change falls between. Never rejects. */
  async check(): Promise<void> {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = this.#checkUntilSettled();
    await this.#busy;
    this.#busy = undefined;
    this.#checkedAt = performance.now();
  }

  /** True while the path cannot be asked about, and that was said. */
  get isTroubled(): boolean {
    return this.#failure?.told === true;
  }

  takeTrouble(): { kind: "unreachable"; error: unknown } | { kind: "reachable" } | undefined {
    const failure = this.#failure;
    if (failure && !failure.told && performance.now() - failure.since >= this.#options.goneMs) {
      failure.told = true;
      return { kind: "unreachable", error: failure.error };
    }
    if (!this.#reachable) return undefined;
    this.#reachable = false;
    return { kind: "reachable" };
  }

  /** Stops, and closes the generations that nobody has taken. */
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
        if (this.#failure?.told) this.#reachable = true;
        if (news || this.#failure) this.#waker.wake();
        this.#failure = undefined;
      } catch (error) {
        this.#failure ??= { error, since: performance.now(), told: false };
        this.#waker.wake();
      }
    }
  }

  /** True when there is something for the reader to decide. */
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

  /** Queues what the path names now, and what came and went before and after it in their places. */
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

  /** Opens the generations that the path named while nobody could look; `newest` tells what is older from what is newer. */
  async #missed(newest: Identity | undefined): Promise<Missed<File>> {
    const missed: Missed<File> = { older: [], newer: [] };
    if (!this.#options.late) return missed;
    const keyOfNewest = newest && keyOf(newest);
    const newer = new Set<string>();
    const known = (identity: Identity) => {
      const key = keyOf(identity);
      // Generations leave the name in their order: what leaves it after the newest came after it.
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

/** Generations that came and went unseen, oldest first, before and after the newest that was seen. */
interface Missed<File> {
  older: File[];
  newer: File[];
}

/** What a {@link PathObserver} is told. `late` takes a generation that the path named before the one being read; undefined: nobody wants those. */
interface ObserverOptions<File> {
  intervalMs: number;
  goneMs: number;
  late: ((file: File) => void) | undefined;
}

/** As many generations as a rename may bring up again. */
const MAX_KNOWN = 2048;

function keyOf({ device, inode, born }: Identity): string {
  return `${device}:${inode}:${born ?? ""}`;
}
