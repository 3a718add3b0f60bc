import { setTimeout } from "node:timers/promises";
import { PortholeError } from "../errors.ts";
import type { OutputPath } from "../target.ts";
import { isNotFound } from "./ask-engines.ts";
import { type OutputContainer, type OutputRecord, outputContainer, outputRecords } from "./logs.ts";

/** What {@link OutputFollower} tells of. */
export type OutputEvent =
  | { kind: "record"; record: OutputRecord }
  /** The container has ended: what comes next, if anything, is of its next life. */
  | { kind: "ended"; container: OutputContainer }
  | { kind: "restarted" }
  /** Another container has the name: its output comes from its beginning. */
  | { kind: "recreated" }
  /** The container or its engine cannot be asked. Said once until it can. */
  | { kind: "unreachable"; error: unknown };

const RETRY_MS = 250;
/** Records are stored nearly in the order of their times: two streams are written by two threads. */
const WINDOW = 1_000_000_000n;

/**
 * Reads a container's output across the ends of connections, engines and containers. Every record comes once: reading resumes a second before the
 * newest time that was seen, and what has been passed on of that second is left out by its time in nanoseconds. That holds over rotation too, for no
 * position in a log file is remembered.
 */
export class OutputFollower {
  readonly #name: string;
  readonly #engine: string | undefined;
  readonly #path: OutputPath;
  #container: OutputContainer;
  #newest = 0n;
  /** Nothing older is told when reading resumes. */
  #oldest = 0n;
  /** How many records of a stream and time were passed on, of the last second. */
  readonly #passed = new Map<string, number>();
  #hasLeft = false;

  constructor(container: OutputContainer, name: string, engine: string | undefined, path: OutputPath) {
    this.#container = container;
    this.#name = name;
    this.#engine = engine;
    this.#path = path;
  }

  /** The container was removed, and another one of its name is not waited for. */
  leave(): void {
    this.#hasLeft = true;
  }

  /** What there is. Begins a follow: what is passed on here is not told again. */
  async *existing(options: {
    tail?: number | undefined;
    since?: bigint | undefined;
    signal: AbortSignal;
  }): AsyncGenerator<OutputRecord, void, void> {
    this.#forget();
    const begun = BigInt(Date.now()) * 1_000_000n;
    for await (const record of outputRecords(this.#container, { ...options, path: this.#path, timestamps: true })) {
      // What was before the last records is not told later either.
      if (options.tail !== undefined && record.time !== undefined && this.#newest === 0n) this.#oldest = record.time;
      this.#note(record);
      yield record;
    }
    if (this.#newest === 0n && options.tail !== undefined) this.#oldest = begun;
  }

  /**
   * What comes after what {@link existing} gave. With `comesBack` a container that ends is waited for, and so is another of its name; without, the end
   * of the container ends it.
   */
  async *follow(comesBack: boolean, signal: AbortSignal): AsyncGenerator<OutputEvent, void, void> {
    let isTold = false;
    // After a failure the name is asked about first: the container may be another one by now.
    let hasFailed = false;
    for (;;) {
      try {
        if (!hasFailed && (this.#container.isRunning || comesBack)) {
          for await (const record of this.#resumed(signal)) {
            isTold = false;
            yield { kind: "record", record };
          }
        }
        hasFailed = false;
        const before = this.#container;
        const now = await outputContainer(comesBack ? this.#name : before.id, this.#engine, signal);
        this.#container = now;
        if (now.id !== before.id) {
          this.#forget();
          yield { kind: "recreated" };
        } else if (now.startedAt !== before.startedAt && now.isRunning) yield { kind: "restarted" };
        else if (!now.isRunning) {
          // What it wrote last may have come between the end of the stream and this answer.
          for await (const record of this.#resumed(signal, false)) yield { kind: "record", record };
          if (before.isRunning) yield { kind: "ended", container: now };
          if (!comesBack || this.#hasLeft) return;
        }
        if (now.isRunning) isTold = false;
        else await setTimeout(RETRY_MS, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof PortholeError)) throw error;
        const isGone = isNotFound(error);
        if (isGone && (!comesBack || this.#hasLeft)) return;
        const isBeingRemoved = error.errno === "ESRCH";
        if (!isTold && !isBeingRemoved) yield { kind: "unreachable", error };
        isTold ||= !isBeingRemoved;
        hasFailed = true;
        await setTimeout(RETRY_MS, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
      }
    }
  }

  async *#resumed(signal: AbortSignal, follow = this.#container.isRunning): AsyncGenerator<OutputRecord, void, void> {
    const recent = this.#newest - WINDOW;
    const since = recent > this.#oldest ? recent : this.#oldest;
    const left = new Map(this.#passed);
    const options = { path: this.#path, timestamps: true, follow, since, signal };
    for await (const record of outputRecords(this.#container, options)) {
      if (record.time !== undefined && since > 0n) {
        if (record.time < since) continue;
        const key = keyOf(record);
        const count = left.get(key) ?? 0;
        if (count > 0) {
          left.set(key, count - 1);
          continue;
        }
      }
      this.#note(record);
      yield record;
    }
  }

  #note(record: OutputRecord): void {
    const { time } = record;
    if (time === undefined) return;
    if (time > this.#newest) this.#newest = time;
    const key = keyOf(record);
    this.#passed.set(key, (this.#passed.get(key) ?? 0) + 1);
    if (this.#passed.size > this.#pruneAt) this.#prune();
  }

  #pruneAt = 1_024;

  #prune(): void {
    const oldest = this.#newest - WINDOW;
    for (const key of this.#passed.keys()) if (BigInt(key.slice(1)) < oldest) this.#passed.delete(key);
    this.#pruneAt = Math.max(1_024, 2 * this.#passed.size);
  }

  #forget(): void {
    this.#newest = 0n;
    this.#oldest = 0n;
    this.#passed.clear();
  }
}

function keyOf({ stream, time }: OutputRecord): string {
  return `${stream === "stdout" ? "1" : "2"}${time}`;
}
