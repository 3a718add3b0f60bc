import { BLOCK, type RecordLevel } from "../../../../src/text/index.ts";
import type { Document } from "../document/document.ts";
import { inSlices } from "../document/slices.ts";
import { evenlySpaced, recordReader } from "./level-records.ts";

/**
 * Number of evenly spaced samples. A text that is not larger than all samples together is counted
 * completely.
 */
const PARTS = 64;
const PART = BLOCK;

/**
 * Counts the records of a text by their level. Estimates a text of more than 4 MiB from a sample,
 * so that the time does not depend on the size.
 */
export class LevelCounts {
  readonly #document: Document;
  readonly #changed: () => void;
  #counts: ReadonlyMap<RecordLevel, number> = new Map();
  /** The range of the text that was counted. */
  #counted: { start: number; end: number } | undefined;
  #isRunning = false;
  #isClosed = false;

  /** `changed` is called when the counts are known. */
  constructor(document: Document, changed: () => void) {
    this.#document = document;
    this.#changed = changed;
  }

  /** Counts again if the text has changed. */
  go(): void {
    const { source } = this.#document;
    const [start, end] = [source.start(), source.end()];
    if (this.#isRunning || (this.#counted?.start === start && this.#counted.end === end)) return;
    this.#isRunning = true;
    void this.#run(start, end).finally(() => {
      this.#isRunning = false;
    });
  }

  /** Returns the number of records with one of these levels; undefined until they are counted. */
  of(levels: readonly RecordLevel[]): number | undefined {
    if (!this.#counted) return undefined;
    return levels.reduce((sum, level) => sum + (this.#counts.get(level) ?? 0), 0);
  }

  /** True if the counts are estimates from a sample. */
  get isEstimate(): boolean {
    const { start = 0, end = 0 } = this.#counted ?? {};
    return end - start > PARTS * PART;
  }

  /** Stops counting. Nothing reads the document afterwards. */
  close(): void {
    this.#isClosed = true;
  }

  async #run(start: number, end: number): Promise<void> {
    const counts = await inSlices(countIn(this.#document, start, end), () => this.#isClosed);
    if (!counts) return;
    this.#counts = counts;
    this.#counted = { start, end };
    this.#changed();
  }
}

/** Counts the records of a range, or of a sample scaled to the range. One step reads one line. */
function* countIn(document: Document, start: number, end: number): Generator<unknown, Map<RecordLevel, number>> {
  const counts = new Map<RecordLevel, number>();
  const records = recordReader(document);
  const length = end - start;
  const isWhole = length <= PARTS * PART;
  const parts = isWhole ? [{ from: start, to: end }] : evenlySpaced({ start, end }, PARTS, PART);
  const weight = isWhole ? 1 : length / (PARTS * PART);
  for (const { from, to } of parts) {
    for (const record of records(from, to)) {
      if (record) counts.set(record.level, (counts.get(record.level) ?? 0) + weight);
      yield;
    }
  }
  return counts;
}
