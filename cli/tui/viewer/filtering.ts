import { FilteredLines, Hits, type Query, type RecordLevel } from "../../../src/text/index.ts";
import type { Document } from "./document.ts";
import { hasRecords } from "./has-records.ts";
import { lineQuery } from "./searching.ts";

/** Which lines a filter shows. */
export interface FilterConditions {
  /** As it was typed: `!` in front keeps matching lines out. Empty: every line matches. */
  pattern: string;
  ignoreCase: boolean;
  /** JSON is shown by its fields: `name=value` finds members. */
  fields: boolean;
  /** Leave out continuation lines that do not match themselves. */
  byLine: boolean;
  /** Levels of the records that are shown; undefined for all. */
  levels: readonly RecordLevel[] | undefined;
  /** Beginnings of lines that are not shown. */
  without: readonly Uint8Array[];
}

/** A filter in the status row. */
export interface FilterStatus {
  /** As it was typed: `!` in front keeps matching lines out. Empty: every line matches. */
  pattern: string;
  /** The other conditions in words. */
  words: readonly string[];
  context: number;
  total: number;
  progress: number;
  isRunning: boolean;
}

/** A filter over a document's lines: which are shown, found in the background from where one is. */
export class Filtering {
  readonly pattern: string;
  readonly #document: Document;
  readonly #hits: Hits;
  readonly #words: readonly string[];
  /** Continuation lines are shown with the first line of their record. */
  readonly areRecords: boolean;
  #context = 0;
  #lines: FilteredLines;

  /**
   * `near`: where to begin. `words`: conditions other than the pattern, for the status.
   * @throws Error for a pattern that is none, in one line
   */
  constructor(
    document: Document,
    conditions: FilterConditions,
    { near, words }: { near: number; words: readonly string[] },
    changed: () => void,
  ) {
    this.#document = document;
    this.pattern = conditions.pattern;
    this.#words = words;
    const query = filterQuery(document, conditions);
    this.areRecords = query.kind === "selection" && query.areRecords;
    this.#hits = new Hits(document.source, query, changed);
    this.#lines = new FilteredLines(document.lines, this.#hits, 0);
    this.#hits.scan.go(near);
  }

  get lines(): FilteredLines {
    return this.#lines;
  }

  get context(): number {
    return this.#context;
  }

  /** Lines to show around each. */
  setContext(lines: number): void {
    this.#context = Math.max(0, lines);
    this.#lines = new FilteredLines(this.#document.lines, this.#hits, this.#context);
  }

  /** Looks there first: one has gone there. */
  near(offset: number, direction: "forward" | "backward" = "forward"): void {
    if (!this.#hits.scan.isCancelled) this.#hits.scan.go(offset, direction);
  }

  isAside(line: number): boolean {
    return this.#context > 0 && !this.#lines.isHit(line);
  }

  get status(): FilterStatus {
    const { scan } = this.#hits;
    return {
      pattern: this.pattern,
      words: this.#words,
      context: this.#context,
      total: scan.counts.total,
      progress: scan.isComplete ? 1 : scan.progress,
      isRunning: scan.isRunning,
    };
  }

  get failure(): string | undefined {
    return this.#hits.scan.failure;
  }

  grown(): void {
    if (!this.#hits.scan.isCancelled) this.#hits.scan.go();
  }

  dropBefore(offset: number): void {
    this.#hits.dropBefore(offset);
  }

  /** Ends what is under way. True when something was. */
  cancel(): boolean {
    if (!this.#hits.scan.isRunning) return false;
    void this.#hits.scan.cancel();
    return true;
  }

  /** Resolves with the function that resumes, once nothing reads the source. */
  async pause(): Promise<() => void> {
    const { scan } = this.#hits;
    const goesOn = !scan.isCancelled;
    await scan.cancel();
    return () => {
      if (goesOn) scan.go();
    };
  }
}

/** The conditions as a query: the plain one is the fastest. @throws Error for an invalid pattern */
function filterQuery(document: Document, { pattern, byLine, levels, without, ...options }: FilterConditions): Query {
  const { encoding } = document;
  const invert = pattern.startsWith("!");
  const text = invert ? pattern.slice(1) : pattern;
  const lines = text === "" ? undefined : lineQuery(text, encoding, { ...options, invert });
  const areRecords = (lines !== undefined || levels !== undefined) && !byLine && hasRecords(document);
  if (lines && !areRecords && !levels && without.length === 0) return lines;
  return { kind: "selection", encoding, match: lines?.match, invert, areRecords, levels, without };
}
