import { setTimeout } from "node:timers/promises";
import { PortholeError } from "../errors.ts";
import type { OutputPath } from "../target.ts";
import { isNotFound } from "./ask-engines.ts";
import { outputContainer, outputRecords } from "./logs.ts";
import type { OutputContainer, OutputRecord } from "./output-record.ts";

/** Events of {@link OutputFollower}. */
export type OutputEvent =
  | { kind: "record"; record: OutputRecord }
  /** The container stopped. Further records are from its next run. */
  | { kind: "ended"; container: OutputContainer }
  | { kind: "restarted" }
  /** Another container has the name. Its output starts from the beginning. */
  | { kind: "recreated" }
  /** The container or its engine does not respond. Reported once until it does. */
  | { kind: "unreachable"; error: unknown };

const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** Nanoseconds. Records are stored nearly in order: two threads write the two streams. */
const WINDOW = 1_000_000_000n;

/**
 * Follows a container's output across reconnects, engine restarts and container restarts. Returns
 * each record once: resumes a second before the newest time and skips known records by their time
 * in nanoseconds. That also works across log rotation, because it uses no position in a log file.
 */
export class OutputFollower {
  readonly #name: string;
  readonly #engine: string | undefined;
  readonly #path: OutputPath;
  #container: OutputContainer;
  #newest = 0n;
  /** Lower limit of times after a resume. */
  #oldest = 0n;
  /** Number of records returned for each stream and time of the last second. */
  readonly #passed = new Map<string, number>();
  #hasLeft = false;

  constructor(container: OutputContainer, name: string, engine: string | undefined, path: OutputPath) {
    this.#container = container;
    this.#name = name;
    this.#engine = engine;
    this.#path = path;
  }

  /** Ends the follow: the container was removed, and the caller does not wait for another one. */
  leave(): void {
    this.#hasLeft = true;
  }

  /** The stored records. Starts a follow: {@link follow} does not repeat them. */
  async *existing(options: {
    tail?: number | undefined;
    since?: bigint | undefined;
    signal: AbortSignal;
  }): AsyncGenerator<OutputRecord, void, void> {
    this.#forget();
    const begun = BigInt(Date.now()) * 1_000_000n;
    for await (const record of outputRecords(this.#container, { ...options, path: this.#path, timestamps: true })) {
      // Records before the last `tail` ones are not returned later either.
      if (options.tail !== undefined && record.time !== undefined && this.#newest === 0n) this.#oldest = record.time;
      this.#note(record);
      yield record;
    }
    if (this.#newest === 0n && options.tail !== undefined) this.#oldest = begun;
  }

  /**
   * The records after those of {@link existing}. With `comesBack` waits for a restart and for
   * another container of the name; without it, ends with the container.
   */
  async *follow(comesBack: boolean, signal: AbortSignal): AsyncGenerator<OutputEvent, void, void> {
    let isTold = false;
    // After a failure looks up the name first: it may be another container.
    let hasFailed = false;
    // Streams of a running container that ended one after the other without a record.
    let emptyStreams = 0;
    for (;;) {
      try {
        let hasRecords = false;
        if (!hasFailed && (this.#container.isRunning || comesBack)) {
          for await (const record of this.#resumed(signal)) {
            isTold = false;
            hasRecords = true;
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
          // The last output may have arrived between the end of the stream and this response.
          for await (const record of this.#resumed(signal, false)) yield { kind: "record", record };
          if (before.isRunning) yield { kind: "ended", container: now };
          if (!comesBack || this.#hasLeft) return;
        }
        const isSameLife = now.id === before.id && now.startedAt === before.startedAt;
        emptyStreams = now.isRunning && isSameLife && !hasRecords ? emptyStreams + 1 : 0;
        if (now.isRunning) isTold = false;
        // A log driver may end every stream at once.
        if (!now.isRunning || emptyStreams > 0) {
          const pause = RETRY_MS * 2 ** Math.max(0, emptyStreams - 1);
          await setTimeout(Math.min(pause, MAX_RETRY_MS), undefined, { signal });
        }
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
    let before: OutputRecord | undefined;
    for await (const record of outputRecords(this.#container, options)) {
      const isDoubled = this.#container.log === undefined && before !== undefined && isSame(before, record);
      before = record;
      if (isDoubled) continue;
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

/**
 * True for a line that the engine sends twice in a row: Docker 20.10 repeats the first line of a
 * log that it has rotated to. Lines have different times; the parts of one long line have the same.
 */
function isSame(before: OutputRecord, { stream, time, bytes }: OutputRecord): boolean {
  return (
    time !== undefined &&
    before.time === time &&
    before.stream === stream &&
    bytes.at(-1) === 10 &&
    before.bytes.equals(bytes)
  );
}

function keyOf({ stream, time }: OutputRecord): string {
  return `${stream === "stdout" ? "1" : "2"}${time}`;
}
