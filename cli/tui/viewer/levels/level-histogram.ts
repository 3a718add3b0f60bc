import { TimestampReader } from "../../../../src/text/index.ts";
import { utc } from "../../../../src/times/index.ts";
import type { Document } from "../document/document.ts";
import { inSlices } from "../document/slices.ts";
import { type Histogram, histogramOf, type Tally } from "./histogram.ts";
import { evenlySpaced, type LevelRecord, recordReader } from "./level-records.ts";

/**
 * Maximum bytes that are read completely. A larger text is estimated from a sample: for each bar,
 * one part of {@link PART} bytes.
 */
const MAX_WHOLE = 4 * 1024 * 1024;
const PART = 32 * 1024;
/** Maximum bytes of a record that are searched for its time. */
const TIME_BYTES = 512;
/**
 * Minimum pause before a growing text is read again, as a multiple of the duration of the last
 * read.
 */
const REST = 10;
const MIN_REST_MS = 1000;

/**
 * Reads the levels of a text over time in the background, while the histogram is visible. Estimates
 * a text of more than 4 MiB from a sample, so that the time does not depend on the size.
 */
export class LevelHistogram {
  readonly #document: Document;
  readonly #changed: () => void;
  #known: { key: string; histogram: Histogram; isSample: boolean } | undefined;
  #isRunning = false;
  #rest: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `changed` is called when there is a new result. */
  constructor(document: Document, changed: () => void) {
    this.#document = document;
    this.#changed = changed;
  }

  /**
   * Returns the latest histogram; undefined before the first result. For a growing text it may be
   * out of date.
   */
  of(bars: number): { histogram: Histogram; isSample: boolean } | undefined {
    const { source, encoding } = this.#document;
    const [start, end] = [source.start(), source.end()];
    const key = `${bars} ${start} ${end} ${encoding}`;
    if (this.#known?.key !== key && !this.#isRunning && !this.#rest) void this.#run(bars, { start, end }, key);
    return this.#known?.histogram.bars.length === bars ? this.#known : undefined;
  }

  /** Cancels the read. Nothing reads the document afterwards. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#rest);
  }

  async #run(bars: number, range: { start: number; end: number }, key: string): Promise<void> {
    this.#isRunning = true;
    const isSample = range.end - range.start > MAX_WHOLE;
    const begin = performance.now();
    const steps = isSample ? sampled(this.#document, range, bars) : counted(this.#document, range);
    const tallies = await inSlices(steps, () => this.#isClosed);
    this.#isRunning = false;
    if (!tallies) return;
    this.#known = { key, histogram: histogramOf(tallies, bars, range), isSample };
    this.#rest = setTimeout(
      () => {
        this.#rest = undefined;
        this.#changed();
      },
      Math.max(MIN_REST_MS, REST * (performance.now() - begin)),
    );
    this.#rest.unref();
    this.#changed();
  }
}

/** Yields a tally for each record. */
function* counted(document: Document, { start, end }: { start: number; end: number }): Generator<unknown, Tally[]> {
  const tallies: Tally[] = [];
  const times = new TimestampReader({ now: Date.now(), zone: utc });
  for (const record of recordReader(document)(start, end)) {
    if (record) tallies.push(withRecord(emptyTally(record.line, record.line, timeOf(record, times)), record));
    yield;
  }
  return tallies;
}

/** Yields a tally for each part of a sample, scaled to the text up to the next part. */
function* sampled(
  document: Document,
  { start, end }: { start: number; end: number },
  count: number,
): Generator<unknown, Tally[]> {
  const tallies: Tally[] = [];
  const times = new TimestampReader({ now: Date.now(), zone: utc });
  const records = recordReader(document);
  const parts = evenlySpaced({ start, end }, count, PART);
  for (const [index, { from, to }] of parts.entries()) {
    const next = parts[index + 1]?.from ?? end;
    let tally: Tally | undefined;
    for (const record of records(from, to)) {
      tally ??= record && emptyTally(from, next, timeOf(record, times));
      if (record && tally) withRecord(tally, record);
      yield;
    }
    if (!tally) continue;
    const before = tallies.at(-1);
    if (before) before.until = tally.time;
    const weight = (next - from) / PART;
    tally.records *= weight;
    tally.errors *= weight;
    tally.warnings *= weight;
    tallies.push(tally);
  }
  return tallies;
}

function emptyTally(from: number, to: number, time: number | undefined): Tally {
  return { from, to, time, until: undefined, records: 0, errors: 0, warnings: 0, worstAt: undefined };
}

function withRecord(tally: Tally, { line, level }: LevelRecord): Tally {
  const isError = level === "error" || level === "fatal";
  const isWarning = level === "warn";
  if ((isError && tally.errors === 0) || (isWarning && tally.errors + tally.warnings === 0)) tally.worstAt = line;
  tally.records++;
  if (isError) tally.errors++;
  if (isWarning) tally.warnings++;
  return tally;
}

function timeOf({ textOf }: LevelRecord, times: TimestampReader): number | undefined {
  return times.read(Buffer.from(textOf(TIME_BYTES)));
}
