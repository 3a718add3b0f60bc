import { FilteredLines, Hits } from "../../../src/text/index.ts";
import type { Document } from "./document.ts";
import { lineQuery } from "./searching.ts";

/** A filter in the status row. */
export interface FilterStatus {
  /** As it was typed: `!` in front keeps matching lines out. */
  pattern: string;
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
  #context = 0;
  #lines: FilteredLines;

  /** @throws Error for a pattern that is none, in one line */
  constructor(
    document: Document,
    pattern: string,
    options: { ignoreCase: boolean; fields: boolean; near: number },
    changed: () => void,
  ) {
    this.#document = document;
    this.pattern = pattern;
    const invert = pattern.startsWith("!");
    const query = lineQuery(invert ? pattern.slice(1) : pattern, document.encoding, { ...options, invert });
    this.#hits = new Hits(document.source, query, changed);
    this.#lines = new FilteredLines(document.lines, this.#hits, 0);
    this.#hits.scan.go(options.near);
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
