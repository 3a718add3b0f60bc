import { setImmediate } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import type { ByteSource } from "../sources/byte-source.ts";
import { CHUNK, type ChunkCounter, chunkCounter, type Query, reachOf } from "./chunk-counter.ts";
import { ChunkCounts } from "./chunk-counts.ts";
import { type ChunkRange, type Direction, nextChunkRange } from "./chunk-range.ts";
import { Holes } from "./holes.ts";
import { ScanPool, THREADS } from "./scan-pool.ts";

/** Number of queued stretches for each thread, so that it never idles. */
const QUEUE = 2;
/**
 * Minimum milliseconds between calls of `changed` while a scan runs. Each call draws a frame, on a
 * processor that the threads need.
 */
const REPORT_MS = 50;
/** Milliseconds after which a thread that does not react to cancellation is terminated. */
const GRACE_MS = 40;

let scans = 0;

/**
 * Scans a source in the background and counts the hits of each chunk. Starts at a given offset and
 * continues to both ends, so that nearby results come first. A source that only this process can
 * read is scanned on this thread, one chunk between keys and frames.
 */
export class Scan {
  readonly counts: ChunkCounts;
  readonly query: Query;
  readonly #source: ByteSource;
  readonly #holes: Holes;
  readonly #pool: ScanPool;
  readonly #changed: () => void;
  readonly #id = ++scans;
  readonly #underWay = new Map<number, ChunkRange>();
  readonly #jobs = new Set<number>();
  /** Jobs that find positions, with their flags of cancellation. */
  readonly #locating = new Map<Promise<void>, SharedArrayBuffer>();
  #counter: ChunkCounter | undefined;
  #focus = 0;
  #direction: Direction = "forward";
  #until = 0;
  #flag = new SharedArrayBuffer(4);
  #running: Promise<void> | undefined;
  #stopped = true;
  #failure: string | undefined;
  #waiters: (() => void)[] = [];
  #reportedAt = Number.NEGATIVE_INFINITY;
  #later: NodeJS.Timeout | undefined;

  /** `changed` is called when there are new results, and at the end. */
  constructor(source: ByteSource, query: Query, changed: () => void, pool = ScanPool.shared()) {
    this.#source = source;
    this.#holes = new Holes(source);
    this.query = query;
    this.counts = new ChunkCounts(reachOf(query));
    this.#changed = changed;
    this.#pool = pool;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** True when everything available is scanned. */
  get isComplete(): boolean {
    return this.#nextStretch(this.#source.end()) === undefined && this.#underWay.size === 0;
  }

  get isCancelled(): boolean {
    return this.#stopped;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Fraction of the source that is scanned, from 0 to 1. */
  get progress(): number {
    const length = this.#source.end() - this.#source.start();
    return length <= 0 ? 1 : Math.min(1, this.counts.knownBytes / this.#source.end());
  }

  /**
   * Starts, or continues after the source has grown. Scans from `offset` in `direction` first.
   * `end`: the scan stops at this offset, so that it ends even if the source grows all the time.
   */
  go(offset?: number, direction: Direction = "forward", end = this.#source.end()): void {
    if (offset !== undefined) {
      this.#focus = Math.floor(Math.max(0, offset) / CHUNK);
      this.#direction = direction;
    }
    this.#stopped = false;
    this.#until = end;
    if (this.#running || this.#failure !== undefined) return;
    if (this.#nextStretch() === undefined) return;
    this.#flag = new SharedArrayBuffer(4);
    this.#running = (this.#source.parts ? this.#runThreads() : this.#runHere()).finally(() => {
      this.#running = undefined;
      // The scan was started again after a cancellation, or continued, before this run had ended.
      if (!this.#stopped) this.go(undefined, undefined, this.#until);
      this.#notify();
    });
  }

  /** Resolves at new results or at the end. */
  progressed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /**
   * Finds the positions of a chunk's hits in a thread, and reports them before `changed` is called.
   * False if this is impossible: after a cancellation, or for a source that only this process can
   * read. `found` gets undefined if the search was cancelled or failed.
   */
  locate(chunk: number, found: (positions: Float64Array | undefined) => void): boolean {
    const parts = this.#source.parts?.();
    if (!parts || this.#stopped || this.#failure !== undefined) return false;
    const cancelled = new SharedArrayBuffer(4);
    const shared = { scan: this.#id, query: this.query, parts, cancelled };
    const { id, reply } = this.#pool.run({ ...shared, wanted: "positions", from: chunk, to: chunk + 1 });
    this.#jobs.add(id);
    const done = reply.then((answer) => {
      this.#jobs.delete(id);
      this.#locating.delete(done);
      if (answer.kind === "failed") this.#failure = answer.message;
      found(answer.kind === "located" ? answer.positions : undefined);
      this.#notify();
    });
    this.#locating.set(done, cancelled);
    return true;
  }

  /** Stops within about GRACE_MS. Resolves when nothing reads the source. Keeps the results. */
  async cancel(): Promise<void> {
    this.#stopped = true;
    const running = [...this.#locating.keys(), ...(this.#running ? [this.#running] : [])];
    if (running.length === 0) return;
    for (const flag of [this.#flag, ...this.#locating.values()]) Atomics.store(new Int32Array(flag), 0, 1);
    this.#pool.revoke(this.#jobs);
    const stuck = setTimeout(() => this.#pool.interrupt(this.#jobs), GRACE_MS);
    await Promise.all(running);
    clearTimeout(stuck);
  }

  /** True if the current run is cancelled. */
  get #isRunCancelled(): boolean {
    return Atomics.load(new Int32Array(this.#flag), 0) === 1;
  }

  async #runThreads(): Promise<void> {
    const lanes = Array.from({ length: THREADS * QUEUE }, async () => {
      for (
        let next = this.#nextStretch();
        next && !this.#isRunCancelled && !this.#failure;
        next = this.#nextStretch()
      ) {
        if (!this.#holes.skip(next, this.counts)) {
          await this.#scanStretch(this.#holes.until(next));
          continue;
        }
        this.#notify();
        await setImmediate();
      }
    });
    await Promise.all(lanes);
  }

  async #scanStretch({ from, to }: ChunkRange): Promise<void> {
    const parts = this.#source.parts?.() ?? [];
    const end = parts.at(-1)?.end ?? 0;
    const job = { scan: this.#id, query: this.query, parts, from, to, cancelled: this.#flag };
    const { id, reply } = this.#pool.run({ ...job, wanted: "counts" });
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
    this.#holes.learn({ from, to: from + answer.counts.length }, answer.counts);
    this.#notify();
  }

  async #runHere(): Promise<void> {
    try {
      this.#counter ??= chunkCounter(this.#source, this.query);
      for (let next = this.#nextStretch(); next && !this.#isRunCancelled; next = this.#nextStretch()) {
        const end = this.#source.end();
        this.counts.set(next.from, this.#counter.count(next.from), end);
        this.#notify();
        await setImmediate();
      }
    } catch (error) {
      this.#failure = messageOf(error);
    }
  }

  #notify(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
    const wait = this.#running ? this.#reportedAt + REPORT_MS - performance.now() : 0;
    if (wait <= 0) this.#report();
    else this.#later ??= setTimeout(() => this.#report(), wait);
  }

  #report(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#reportedAt = performance.now();
    this.#changed();
  }

  #nextStretch(end = this.#until): ChunkRange | undefined {
    const wanted = {
      first: Math.floor(this.#source.start() / CHUNK),
      chunks: Math.ceil(end / CHUNK),
      focus: this.#focus,
      direction: this.#direction,
    };
    return nextChunkRange(wanted, (chunk) => this.#isOpen(chunk, end));
  }

  #isOpen(chunk: number, end: number): boolean {
    if (this.counts.isCurrent(chunk, end)) return false;
    for (const { from, to } of this.#underWay.values()) if (chunk >= from && chunk < to) return false;
    return true;
  }
}
