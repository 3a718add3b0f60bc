import { setImmediate } from "node:timers/promises";
import type { ByteSource } from "./byte-source.ts";
import { CHUNK, type ChunkCounter, chunkCounter, type Query } from "./chunk-counter.ts";
import { ChunkCounts } from "./chunk-counts.ts";
import { ScanPool, THREADS } from "./scan-pool.ts";

/** Which way to look. */
export type Direction = "forward" | "backward";

/** Chunks that a thread is given at a time: some 10 ms. */
const STRETCH = 16;
/** Stretches that are under way for each thread: the next one is there when it is done with one. */
const QUEUE = 2;
/**
 * Bytes of a source whose holes are skipped. What is known of each chunk takes 16 bytes: skipping on through a hole of 8 EiB, which a file may well
 * have, would fill the memory within a minute.
 */
const MOST_SKIPPED = 2 ** 42;
/** After this a thread that was told to end is stopped. */
const PATIENCE_MS = 40;

/** Chunks, the last one not included. */
interface Stretch {
  from: number;
  to: number;
}

let scans = 0;

/**
 * Looks through a source in the background and keeps how many hits each chunk has. It begins where it is told to and goes on to the ends, so that what
 * is near is known first. A source that only this process can read is looked through here, a chunk at a time between keys and frames.
 */
export class Scan {
  readonly counts = new ChunkCounts();
  readonly query: Query;
  readonly #source: ByteSource;
  readonly #pool: ScanPool;
  readonly #changed: () => void;
  readonly #id = ++scans;
  readonly #underWay = new Map<number, Stretch>();
  readonly #jobs = new Set<number>();
  #counter: ChunkCounter | undefined;
  /** What each chunk in the midst of a hole has. */
  #hitsInHole: number | undefined;
  #focus = 0;
  #direction: Direction = "forward";
  #flag = new SharedArrayBuffer(4);
  #running: Promise<void> | undefined;
  #stopped = true;
  #failure: string | undefined;
  #waiters: (() => void)[] = [];

  /** `changed` is called when more is known. */
  constructor(source: ByteSource, query: Query, changed: () => void, pool = ScanPool.shared()) {
    this.#source = source;
    this.query = query;
    this.#changed = changed;
    this.#pool = pool;
  }

  /** True while it is at work. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** True when all that there is has been looked through. */
  get isComplete(): boolean {
    return this.#nextStretch() === undefined && this.#underWay.size === 0;
  }

  get isCancelled(): boolean {
    return this.#stopped;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Part of the source that was looked through, 0 to 1. */
  get progress(): number {
    const length = this.#source.end() - this.#source.start();
    return length <= 0 ? 1 : Math.min(1, this.counts.knownBytes / this.#source.end());
  }

  /** Begins, or goes on after the source has grown; `offset` is what is wanted first, and in which direction from there. */
  go(offset?: number, direction: Direction = "forward"): void {
    if (offset !== undefined) {
      this.#focus = Math.floor(Math.max(0, offset) / CHUNK);
      this.#direction = direction;
    }
    this.#stopped = false;
    if (this.#running || this.#failure !== undefined) return;
    if (this.#nextStretch() === undefined) return;
    this.#flag = new SharedArrayBuffer(4);
    this.#running = (this.#source.parts ? this.#runThreads() : this.#runHere()).finally(() => {
      this.#running = undefined;
      this.#tell();
    });
  }

  /** Looks through one chunk here and now: what is near is known before a thread has started. */
  lookHere(chunk: number, count: () => number): void {
    if (this.counts.count(chunk) !== undefined) return;
    const end = this.#source.end();
    this.counts.set(chunk, count(), end);
  }

  /** Resolves when more is known, or it is over. */
  progressed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Ends it within PATIENCE_MS and some. Resolves when nothing reads the source any more; what was found is kept. */
  async cancel(): Promise<void> {
    this.#stopped = true;
    const running = this.#running;
    if (!running) return;
    Atomics.store(new Int32Array(this.#flag), 0, 1);
    this.#pool.revoke(this.#jobs);
    const stuck = setTimeout(() => this.#pool.interrupt(this.#jobs), PATIENCE_MS);
    await running;
    clearTimeout(stuck);
  }

  async #runThreads(): Promise<void> {
    const lanes = Array.from({ length: THREADS * QUEUE }, async () => {
      for (let next = this.#nextStretch(); next && !this.#stopped && !this.#failure; next = this.#nextStretch()) {
        if (this.#skipHole(next)) await setImmediate();
        else await this.#look(this.#untilHole(next));
      }
    });
    await Promise.all(lanes);
  }

  /** Keeps what is known of a stretch in the midst of a hole, unread. True when it was one. */
  #skipHole({ from, to }: Stretch): boolean {
    if (this.#hitsInHole === undefined) return false;
    const end = this.#source.end();
    let chunk = from;
    while (chunk < to && this.#isInHole(chunk)) this.counts.set(chunk++, this.#hitsInHole, end);
    if (chunk > from) this.#tell();
    return chunk > from;
  }

  /** The stretch as far as it is of one kind: one chunk of a hole, to know what all of them have; or what is in none. */
  #untilHole({ from, to }: Stretch): Stretch {
    if (this.#source.nextData === undefined) return { from, to };
    if (this.#isInHole(from)) return { from, to: from + 1 };
    let chunk = from + 1;
    while (chunk < to && !this.#isInHole(chunk)) chunk++;
    return { from, to: chunk };
  }

  /** True for a chunk of zeros between chunks of zeros: where its lines are cut, and what is in them, is the same in all of those. */
  #isInHole(chunk: number): boolean {
    const source = this.#source;
    if (chunk === 0 || source.nextData === undefined || source.end() > MOST_SKIPPED) return false;
    return source.nextData((chunk - 1) * CHUNK) >= (chunk + 2) * CHUNK;
  }

  async #look({ from, to }: Stretch): Promise<void> {
    const parts = this.#source.parts?.() ?? [];
    const end = parts.at(-1)?.end ?? 0;
    const job = { scan: this.#id, query: this.query, parts, from, to, cancelled: this.#flag };
    const { id, reply } = this.#pool.run(job);
    this.#jobs.add(id);
    this.#underWay.set(id, { from, to });
    const answer = await reply;
    this.#jobs.delete(id);
    this.#underWay.delete(id);
    if (answer.kind === "failed") this.#failure = answer.message;
    if (answer.kind !== "counted") return;
    answer.counts.forEach((count, index) => {
      this.counts.set(from + index, count, end);
    });
    if (to === from + 1 && this.#isInHole(from)) this.#hitsInHole = answer.counts[0];
    this.#tell();
  }

  async #runHere(): Promise<void> {
    try {
      this.#counter ??= chunkCounter(this.#source, this.query);
      for (let next = this.#nextStretch(); next && !this.#stopped; next = this.#nextStretch()) {
        const end = this.#source.end();
        this.counts.set(next.from, this.#counter.count(next.from), end);
        this.#tell();
        await setImmediate();
      }
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }

  #tell(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#changed();
  }

  /** Chunks to look through next: from the focus on to one end, then from there to the other. */
  #nextStretch(): Stretch | undefined {
    const end = this.#source.end();
    const first = Math.floor(this.#source.start() / CHUNK);
    const chunks = Math.ceil(end / CHUNK);
    const focus = Math.min(Math.max(first, this.#focus), Math.max(first, chunks - 1));
    return this.#direction === "forward"
      ? (this.#after(focus, chunks, end) ?? this.#before(focus, first, end))
      : (this.#before(focus + 1, first, end) ?? this.#after(focus + 1, chunks, end));
  }

  #after(from: number, chunks: number, end: number): Stretch | undefined {
    let at = from;
    while (at < chunks && !this.#isOpen(at, end)) at++;
    if (at >= chunks) return undefined;
    let to = at + 1;
    while (to < chunks && to - at < STRETCH && this.#isOpen(to, end)) to++;
    return { from: at, to };
  }

  #before(to: number, first: number, end: number): Stretch | undefined {
    let at = to - 1;
    while (at >= first && !this.#isOpen(at, end)) at--;
    if (at < first) return undefined;
    let from = at;
    while (from > first && at + 1 - from < STRETCH && this.#isOpen(from - 1, end)) from--;
    return { from, to: at + 1 };
  }

  #isOpen(chunk: number, end: number): boolean {
    if (this.counts.isCurrent(chunk, end)) return false;
    for (const { from, to } of this.#underWay.values()) if (chunk >= from && chunk < to) return false;
    return true;
  }
}
