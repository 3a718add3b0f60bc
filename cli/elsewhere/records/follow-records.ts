import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { PortholeError } from "../../../src/errors.ts";
import { complain, printable } from "../../io/fail.ts";
import type { Interrupt } from "../../io/interrupt.ts";
import type { RecordOutput } from "./merged-output.ts";
import type { Beginning, RecordRun, RecordSource } from "./record-source.ts";
import { type PlaceRecord, RecordSplitter } from "./record-splitter.ts";
import { Resumption } from "./resumption.ts";

/** Milliseconds before the first retry, and the longest wait between retries. */
const [FIRST_RETRY_MS, LAST_RETRY_MS] = [500, 30_000];

/** Options of {@link followRecords}. */
export interface SourceOptions {
  follows: boolean;
  interrupt: Interrupt;
  /** True for a place that joins a running follow: a failed first attempt is retried too. */
  isJoined?: boolean;
  /** Aborted when the place is no longer needed. */
  left?: AbortSignal;
}

/**
 * Passes the records of one place to the output until its command ends. Returns the exit status. A
 * follow reports a lost connection and reconnects at the last position.
 * @throws PortholeError if the command cannot be started; SESSION if it does not follow and the
 * connection is lost
 */
export async function followRecords(
  source: RecordSource,
  output: RecordOutput,
  { follows, interrupt, isJoined = false, left }: SourceOptions,
): Promise<number> {
  output.open(source);
  const resumption = new Resumption(source.delimiter);
  let beginning: Beginning | undefined;
  let isLost = false;
  const take = async (record: PlaceRecord) => {
    if ("position" in record) return resumption.moved(record);
    if ("before" in record) return output.mark(source, record);
    // An empty chunk prints the header of an empty file. A later run must not repeat it.
    if (record.isPartial && record.bytes.length === 0)
      return beginning === undefined ? output.take(source, record) : undefined;
    if (!resumption.isNew(record)) return;
    if (isLost) reportBack(source, resumption);
    isLost = false;
    await output.take(source, record);
  };
  for (let delay = FIRST_RETRY_MS; ; delay = Math.min(LAST_RETRY_MS, delay * 2)) {
    const began = performance.now();
    try {
      const run = await interrupt.orEnd(source.start(beginning));
      output.open(source, run.askMark);
      return await recordsOf(run, take);
    } catch (error) {
      if (interrupt.received !== undefined || left?.aborted) return 0;
      // For a place of the command line, a failed first attempt is an error without a retry.
      const isTriedAgain = isLost || isJoined || (error instanceof PortholeError && error.code === "SESSION");
      if (!follows || !(error instanceof PortholeError) || !isTriedAgain) throw error;
      if (!isLost) complain(printable(`${error.message}; trying again`));
      isLost = true;
      if (performance.now() - began > LAST_RETRY_MS) delay = FIRST_RETRY_MS;
      beginning = resumption.beginning();
    } finally {
      await output.leave(source);
    }
    await interrupt.orEnd(sleep(delay, undefined, { signal: left })).catch(() => undefined);
    if (interrupt.received !== undefined || left?.aborted) return 0;
  }
}

async function recordsOf(run: RecordRun, take: (record: PlaceRecord) => Promise<void>): Promise<number> {
  run.ended.catch(() => undefined);
  for await (const record of records(run.stdout)) await take(record);
  return await run.ended;
}

/** Reads the records of a command. */
export async function* records(output: Readable): AsyncGenerator<PlaceRecord> {
  const splitter = new RecordSplitter();
  for await (const piece of output) yield* splitter.push(piece as Buffer);
}

/** Reports that the connection to a place is restored. */
function reportBack({ name }: RecordSource, { isComplete }: Resumption): void {
  const gap = isComplete ? "" : "; lines without a time that were written meanwhile are not shown";
  complain(printable(`${name} is back${gap}`));
}
