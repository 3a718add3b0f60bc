import { FilteredLines, type FoldedLines, Hits, type Query, type RecordLevel } from "../../../../src/text/index.ts";
import type { Document } from "../document/document.ts";
import { hasRecords } from "../document/has-records.ts";
import { lineQuery } from "./search-query.ts";

/** The conditions of a filter. */
export interface FilterConditions {
  /** The pattern as typed: a leading `!` inverts the match. An empty pattern matches every line. */
  pattern: string;
  ignoreCase: boolean;
  /** Lines of JSON that are shown by their fields: see {@link PatternOptions}. */
  folded: FoldedLines | undefined;
  /** Hides continuation lines that do not match themselves. */
  byLine: boolean;
  /** Levels of the visible records; undefined for all levels. */
  levels: readonly RecordLevel[] | undefined;
  /** Prefixes of hidden lines. */
  without: readonly Uint8Array[];
}

/** A filter in the status row. */
export interface FilterStatus {
  /** The pattern as typed: a leading `!` inverts the match. An empty pattern matches every line. */
  pattern: string;
  /** Describes the other conditions. */
  descriptions: readonly string[];
  context: number;
  total: number;
  progress: number;
  isRunning: boolean;
}

/**
 * Filters a document's lines. Finds the visible lines in the background, beginning at the current
 * position.
 */
export class Filtering {
  readonly pattern: string;
  readonly #document: Document;
  readonly #hits: Hits;
  readonly #descriptions: readonly string[];
  /** True if a record's continuation lines are shown with its first line. */
  readonly areRecords: boolean;
  #context = 0;
  #lines: FilteredLines;

  /**
   * `near`: the position to begin at. `descriptions`: texts of the other conditions, for the
   * status.
   * @throws Error for an invalid pattern, in one line
   */
  constructor(
    document: Document,
    conditions: FilterConditions,
    { near, descriptions }: { near: number; descriptions: readonly string[] },
    changed: () => void,
  ) {
    this.#document = document;
    this.pattern = conditions.pattern;
    this.#descriptions = descriptions;
    const query = filterQuery(document, conditions);
    this.areRecords = query.kind === "selection" && query.areRecords;
    this.#hits = new Hits(document.source, query, changed);
    this.#lines = new FilteredLines(document.lines, this.#hits, 0);
    this.#hits.begin(near);
  }

  get lines(): FilteredLines {
    return this.#lines;
  }

  get context(): number {
    return this.#context;
  }

  /** Sets the number of lines to show around each match. */
  setContext(lines: number): void {
    this.#context = Math.max(0, lines);
    this.#lines = new FilteredLines(this.#document.lines, this.#hits, this.#context);
  }

  /** Continues the scan at this position, which is now visible. */
  near(offset: number, direction: "forward" | "backward" = "forward"): void {
    if (!this.#hits.scan.isCancelled) this.#hits.scan.go(offset, direction, this.#document.knownEnd);
  }

  isAside(line: number): boolean {
    return this.#context > 0 && !this.#lines.isHit(line);
  }

  get status(): FilterStatus {
    const { scan } = this.#hits;
    return {
      pattern: this.pattern,
      descriptions: this.#descriptions,
      context: this.#context,
      total: scan.counts.total,
      progress: this.#hits.progress,
      isRunning: this.#hits.isRunning,
    };
  }

  get failure(): string | undefined {
    return this.#hits.scan.failure;
  }

  grown(): void {
    if (!this.#hits.scan.isCancelled) this.#hits.grown();
  }

  dropBefore(offset: number): void {
    this.#hits.dropBefore(offset);
  }

  /** Cancels the scan. True if one was in progress. */
  cancel(): boolean {
    if (!this.#hits.isRunning) return false;
    void this.#hits.scan.cancel();
    return true;
  }

  /**
   * Resolves once the scan no longer reads the source. The result is a function that resumes the
   * scan.
   */
  async pause(): Promise<() => void> {
    const { scan } = this.#hits;
    const goesOn = !scan.isCancelled;
    await scan.cancel();
    return () => {
      if (goesOn) scan.go();
    };
  }
}

/**
 * Converts the conditions to a query. A plain query is the fastest.
 * @throws Error for an invalid pattern
 */
function filterQuery(document: Document, { pattern, byLine, levels, without, ...options }: FilterConditions): Query {
  const { encoding } = document;
  const invert = pattern.startsWith("!");
  const text = invert ? pattern.slice(1) : pattern;
  const lines = text === "" ? undefined : lineQuery(text, encoding, { ...options, invert });
  const areRecords = (lines !== undefined || levels !== undefined) && !byLine && hasRecords(document);
  if (lines && !areRecords && !levels && without.length === 0) return lines;
  return {
    ...{ kind: "selection", encoding, match: lines?.match, folded: lines?.folded },
    ...{ invert, areRecords, levels, without },
  };
}
