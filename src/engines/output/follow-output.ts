import { setTimeout } from "node:timers/promises";
import { anySignal } from "../../descriptors/any-signal.ts";
import { PortholeError } from "../../errors.ts";
import type { OutputPath } from "../../target.ts";
import { isNotFound } from "../api/ask-engines.ts";
import type { OutputContainer, OutputOptions, OutputRecord } from "../containers/output-record.ts";
import { outputContainer, outputRecords } from "./logs.ts";
import { PassedRecords } from "./passed-records.ts";

/** Events of {@link OutputFollower}. */
export type OutputEvent =
  | { kind: "record"; record: OutputRecord }
  /** The container stopped. Further records are from its next run. */
  | { kind: "ended"; container: OutputContainer }
  /** `started` for the first start of a container. */
  | { kind: "started" | "restarted" }
  /** Another container now has the name. Its output starts from the beginning. */
  | { kind: "recreated" }
  /** The container or its engine does not respond. Reported once until it does. */
  | { kind: "unreachable"; error: unknown };

/** The start time of a container that was created but never started. */
const NEVER = "0001-01-01T";
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** Nanoseconds. Records are stored nearly in order: two threads write the two streams. */
const WINDOW = 1_000_000_000n;
/** Milliseconds without a record before the engine is polled for missing records. */
const QUIET_MS = 2_000;
const MAX_QUIET_MS = 30_000;
/** Milliseconds between polls of an engine that rotates logs while its stream delivers records. */
const BUSY_MS = 10_000;
/** Maximum records per poll: Docker counts those of both streams and returns one stream. */
const ASKED = 64;
/**
 * Maximum stored records that a resumed stream repeats. Without a limit, Docker reads its whole log
 * to find a time.
 */
const REPEATED = 10_000;

/**
 * Follows a container's output across reconnects, engine restarts and container restarts. Returns
 * each record once: resumes a second before the last record and skips known records by their time
 * in nanoseconds. That also works across log rotation, because it uses no position in a log file.
 * When an engine rotates a log, its streams repeat lines, omit lines, or stall. The time identifies
 * a repeated line. Polls the engine when a stream is quiet, and periodically if it rotates.
 * Replaces a stream that omits records; the missing lines then arrive late.
 */
export class OutputFollower {
  readonly #name: string;
  readonly #engine: string | undefined;
  readonly #path: OutputPath;
  #container: OutputContainer;
  /** The time of the last record; 0 if there was none. */
  #last = 0n;
  /** No record up to this time is missing. */
  #complete = 0n;
  /** Lower limit of times after a resume. */
  #oldest = 0n;
  /** {@link clock} when {@link #last} and {@link #complete} were set. */
  #clock = clock();
  readonly #passed = new PassedRecords();
  #hasLeft = false;

  constructor(container: OutputContainer, name: string, engine: string | undefined, path: OutputPath) {
    this.#container = container;
    this.#name = name;
    this.#engine = engine;
    this.#path = path;
  }

  /** Ends the follow: the container was removed, and the caller does not wait for a new one. */
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
      // Records before the last `tail` records are not returned later either.
      if (options.tail !== undefined && record.time !== undefined && this.#last === 0n) this.#oldest = record.time;
      this.#note(record);
      yield record;
    }
    this.#complete = this.#last;
    if (this.#last === 0n && options.tail !== undefined) this.#oldest = begun;
  }

  /**
   * Yields the records after those of {@link existing}. With `comesBack`, waits for a restart and
   * for a new container of the name. Without it, ends with the container.
   */
  async *follow(comesBack: boolean, signal: AbortSignal): AsyncGenerator<OutputEvent, void, void> {
    let isTold = false;
    // After a failure, first looks up the name, which may belong to another container.
    let hasFailed = false;
    // Number of consecutive streams of a running container that ended without a record.
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
        } else if (now.startedAt !== before.startedAt && now.isRunning)
          yield { kind: before.startedAt.startsWith(NEVER) ? "started" : "restarted" };
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

  /** Yields the records that were not returned yet. */
  async *#resumed(signal: AbortSignal, follow = this.#container.isRunning): AsyncGenerator<OutputRecord, void, void> {
    if (this.#canRepeat && (yield* this.#unknown(signal, follow, REPEATED))) return;
    yield* this.#unknown(signal, follow);
  }

  /** True if the last records in the log are known records, and the engine finds those quickly. */
  get #canRepeat(): boolean {
    const { isPodman, log, rotatesLog } = this.#container;
    if (isPodman || log !== undefined || this.#passed.size < 2) return false;
    return !rotatesLog || this.#complete === this.#last;
  }

  /**
   * Yields the unknown records. Returns false at once if the limit `tail` may have cut off unknown
   * records.
   */
  async *#unknown(signal: AbortSignal, follow: boolean, tail?: number): AsyncGenerator<OutputRecord, boolean, void> {
    const since = this.#since(tail !== undefined);
    const options = { path: this.#path, timestamps: true, follow, since, tail, signal };
    const isStream = follow && this.#container.log === undefined;
    const records = isStream ? this.#unstalled(options) : outputRecords(this.#container, options);
    const cursors = { stdout: new Cursor(), stderr: new Cursor() };
    let first: OutputRecord | undefined;
    let before: OutputRecord | undefined;
    // All parts of a long line have the same time. So the limit may have cut off parts of the first
    // line. If a later record of the stream is known, it has not.
    let isWhole = tail === undefined;
    for await (const record of records) {
      const isDoubled = this.#container.log === undefined && before !== undefined && isSame(before, record);
      before = record;
      if (isDoubled) continue;
      const { stream, time } = record;
      const isKnown =
        time !== undefined && (time < since || cursors[stream].count(time) <= this.#passed.count(stream, time));
      if (isKnown) {
        first ??= record;
        isWhole ||= stream === first.stream && time !== first.time;
        continue;
      }
      if (!isWhole) return false;
      this.#note(record);
      yield record;
    }
    return true;
  }

  /** Follows the stream. Also ends when the engine has records that its stream does not send. */
  async *#unstalled(options: OutputOptions): AsyncGenerator<OutputRecord, void, void> {
    const stalled = new AbortController();
    const signal = anySignal([options.signal, stalled.signal]);
    let count = 0;
    // False while the caller handles a record.
    let isWaiting = true;
    const look = async () => {
      let asked = performance.now();
      for (let quietMs = QUIET_MS; ; ) {
        const before = count;
        await setTimeout(quietMs, undefined, { signal });
        const isQuiet = count === before;
        quietMs = isQuiet ? Math.min(2 * quietMs, MAX_QUIET_MS) : QUIET_MS;
        const isDue = this.#container.rotatesLog && performance.now() - asked >= BUSY_MS;
        if (!isWaiting || !(isQuiet || isDue)) continue;
        asked = performance.now();
        if (await this.#lacks(isQuiet, signal).catch(() => false)) return stalled.abort();
      }
    };
    // The stream's signal ends the polling.
    look().catch(() => undefined);
    try {
      for await (const record of outputRecords(this.#container, { ...options, signal })) {
        count += 1;
        isWaiting = false;
        yield record;
        isWaiting = true;
      }
    } catch (error) {
      if (!stalled.signal.aborted || options.signal.aborted) throw error;
    } finally {
      stalled.abort();
    }
  }

  /**
   * True if the engine has records that were not passed on. Checks its last records, or all of them
   * if it rotates. While records arrive, ignores the newest ones, which the stream may still
   * deliver.
   */
  async #lacks(isQuiet: boolean, signal: AbortSignal): Promise<boolean> {
    const { rotatesLog } = this.#container;
    const since = this.#since();
    const last = this.#last;
    const options = { path: this.#path, timestamps: true, tail: rotatesLog ? undefined : ASKED, since, signal };
    for await (const { stream, time } of outputRecords(this.#container, options)) {
      if (time === undefined || time < since || this.#passed.count(stream, time) > 0) continue;
      if (isQuiet || time < last) return true;
    }
    this.#complete = last;
    return false;
  }

  /**
   * Returns the time to resume from. If the number of records is limited, returns the time of the
   * oldest known record. Allows for an engine clock that was set back since the last record.
   */
  #since(isLimited = false): bigint {
    const back = BigInt(Math.max(0, Math.round(this.#clock - clock()))) * 1_000_000n;
    const { knownFrom = 0n } = this.#passed;
    let since = isLimited ? 0n : (this.#container.rotatesLog ? this.#complete : this.#last) - WINDOW;
    if (knownFrom > since && knownFrom <= this.#last) since = knownFrom;
    if (this.#oldest > since) since = this.#oldest;
    return since > back ? since - back : 0n;
  }

  #note({ stream, time }: OutputRecord): void {
    if (time === undefined) return;
    // After the clock was set back, new records have earlier times.
    if (time < this.#oldest) this.#oldest = time;
    if (time < this.#complete) this.#complete = time;
    this.#last = time;
    this.#clock = clock();
    this.#passed.add(stream, time);
  }

  #forget(): void {
    this.#last = 0n;
    this.#complete = 0n;
    this.#oldest = 0n;
    this.#clock = clock();
    this.#passed.clear();
  }
}

/**
 * The wall clock minus the monotonic clock, in milliseconds. It decreases when the clock is set
 * back.
 */
function clock(): number {
  return Date.now() - performance.now();
}

/** Counts records with the same time in a stream: the parts of a long line share their time. */
class Cursor {
  #time: bigint | undefined;
  #count = 0;

  count(time: bigint): number {
    this.#count = time === this.#time ? this.#count + 1 : 1;
    this.#time = time;
    return this.#count;
  }
}

/**
 * True for a line that the engine sends twice in a row. Docker 20.10 repeats the first line of a
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
