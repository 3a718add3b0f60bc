import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { CriLog, OutputOptions, OutputRecord } from "../containers/output-record.ts";
import { readLogFile } from "./log-files.ts";
import { LogCutter } from "./log-format.ts";
import { LogReader } from "./log-reader.ts";

/** Milliseconds between polls of the container and of a log without change notifications. */
const LOOK_MS = 1_000;
/** Number of polls after which the runtime is queried even though the process exists. */
const LOOKS = 30;

/**
 * Yields a container's output from the node's log files, oldest first, through rotations.
 * @throws Error with the errno of open(2) or read(2)
 */
export async function* logRecords(log: CriLog, options: OutputOptions): AsyncGenerator<OutputRecord, void, void> {
  const { path, since, tail, follow, signal } = options;
  using reader = new LogReader(log.path);
  const cutter = new LogCutter(path);
  const isWanted = ({ time }: OutputRecord) => since === undefined || time === undefined || time >= since;
  const older = reader.rotated.filter((one) => since === undefined || isTouchedAfter(one, since));
  if (tail === undefined)
    for (const one of older) for await (const record of recordsOf(one, options)) if (isWanted(record)) yield record;
  const kept: OutputRecord[] = [];
  for await (const piece of reader.grown(signal))
    for (const record of cutter.push(piece).filter(isWanted)) {
      if (tail === undefined) yield record;
      else keep(kept, record, tail);
    }
  if (tail !== undefined) yield* await lastRecords(older, kept, tail, options);
  if (follow) {
    using changes = new Changes(dirname(log.path), signal);
    for (let looks = 1; ; looks++) {
      const isReported = await changes.next();
      if (signal.aborted) return;
      const mayHaveEnded = !isReported && (!existsSync(`/proc/${log.pid}`) || looks % LOOKS === 0);
      const isLast = mayHaveEnded && (await log.hasEnded());
      for await (const piece of reader.grown(signal)) yield* cutter.push(piece).filter(isWanted);
      if (isLast) break;
    }
  }
  yield* cutter.end().filter(isWanted);
}

async function* recordsOf(file: string, { path, signal }: OutputOptions): AsyncGenerator<OutputRecord, void, void> {
  const cutter = new LogCutter(path);
  for await (const piece of readLogFile(file, signal)) yield* cutter.push(piece);
  yield* cutter.end();
}

/** Yields the last `tail` records of all files. `kept` are the last records of the newest file. */
async function lastRecords(
  older: readonly string[],
  kept: readonly OutputRecord[],
  tail: number,
  options: OutputOptions,
): Promise<OutputRecord[]> {
  let last = [...kept];
  for (const file of older.toReversed()) {
    if (last.length >= tail) break;
    const before: OutputRecord[] = [];
    for await (const record of recordsOf(file, options)) keep(before, record, tail);
    last = [...before, ...last];
  }
  return tail === 0 ? [] : last.slice(-tail);
}

/** Drops many records at once, because each removal moves all other records. */
function keep(kept: OutputRecord[], record: OutputRecord, max: number): void {
  kept.push(record);
  if (kept.length > 2 * max + 1_024) kept.splice(0, kept.length - max);
}

function isTouchedAfter(path: string, since: bigint): boolean {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeNs >= since;
}

/** Reports changes in a directory. */
class Changes implements Disposable {
  readonly #signal: AbortSignal;
  readonly #watcher: FSWatcher | undefined;
  #isDue = false;
  #wake: (isReported: boolean) => void = () => undefined;
  readonly #note = () => {
    this.#isDue = true;
    this.#wake(true);
  };

  constructor(directory: string, signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#note);
    // Watching fails at the user's limit of watches, or if the directory is gone. Then only polling
    // detects changes.
    try {
      this.#watcher = watch(directory, this.#note).on("error", () => undefined);
    } catch {
      this.#watcher = undefined;
    }
    this.#isDue = true;
  }

  /** Resolves with true after a change, with false after {@link LOOK_MS} without one. */
  async next(): Promise<boolean> {
    if (!this.#isDue) {
      const { promise, resolve } = deferred();
      const timer = setTimeout(resolve, LOOK_MS, false);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
    }
    const isReported = this.#isDue;
    this.#isDue = false;
    return isReported;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    this.#signal.removeEventListener("abort", this.#note);
  }
}

function deferred(): { promise: Promise<boolean>; resolve: (value: boolean) => void } {
  let resolve: (value: boolean) => void = () => undefined;
  const promise = new Promise<boolean>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
