import type { FoldedLines } from "../../../../src/text/index.ts";
import type { Document } from "../document/document.ts";
import { type LineSource, Sources } from "../document/sources.ts";
import { LevelCounts } from "../levels/level-counts.ts";
import { LevelFacets } from "../levels/level-facets.ts";
import { Filtering } from "../search/filtering.ts";
import type { Searching } from "../search/searching.ts";

/** The display of the visible lines. */
export interface VisibleLinesHost {
  /** Returns the first visible line, at which a filter begins. */
  top(): number;
  /** Returns the lines of JSON that are shown by their fields. */
  folded(): FoldedLines | undefined;
  /** Runs `replace`, after which other lines are visible. */
  replacing(replace: () => void): void;
  /** Receives the promise of a cancelled filter that still reads. */
  ending(work: Promise<unknown>): void;
  /** Called when the filter has found more lines. */
  changed(): void;
}

/** Decides which lines of a text are visible: by a pattern, by levels and by sources. */
export class VisibleLines {
  readonly sources: Sources;
  readonly facets: LevelFacets;
  readonly #document: Document;
  readonly #searching: Searching;
  readonly #host: VisibleLinesHost;
  #filter: Filtering | undefined;
  #pattern = "";
  #byLine = false;
  #knownSources: number;

  constructor(document: Document, searching: Searching, sources: readonly LineSource[], host: VisibleLinesHost) {
    this.#document = document;
    this.#searching = searching;
    this.#host = host;
    this.sources = new Sources(sources);
    this.#knownSources = sources.length;
    this.facets = new LevelFacets(new LevelCounts(document, host.changed));
  }

  /** The filter, while some lines are hidden. */
  get filter(): Filtering | undefined {
    return this.#filter;
  }

  /** True if the filter has searched the whole text without a match. */
  get isEmpty(): boolean {
    const status = this.#filter?.status;
    return status !== undefined && status.total === 0 && !status.isRunning;
  }

  /**
   * Shows only matching lines. Shows all lines for an empty pattern.
   * @throws Error for an invalid pattern; the previous filter then stays
   */
  setPattern(pattern: string): void {
    const before = this.#pattern;
    this.#pattern = pattern === "!" ? "" : pattern;
    try {
      this.apply();
    } catch (error) {
      this.#pattern = before;
      throw error;
    }
  }

  /** Applies changed conditions: the pattern, the levels, or the muted sources. */
  apply(): void {
    const filter = this.#newFilter();
    this.#host.replacing(() => {
      this.drop();
      this.#filter = filter;
    });
  }

  /** Called when other lines of JSON are shown by their fields. */
  foldedChanged(): void {
    if (this.#pattern !== "") this.apply();
  }

  /** Called when the text has grown. New sources may have to be muted. */
  grown(): void {
    const { count, isSolo } = this.sources;
    if (count === this.#knownSources) return;
    this.#knownSources = count;
    if (isSolo) this.apply();
  }

  /** Removes every condition. */
  showAll(): void {
    this.#pattern = "";
    this.sources.showAll();
    this.facets.clear();
    this.apply();
  }

  /** Cancels the filter. Keeps its conditions for {@link apply}. */
  drop(): void {
    if (this.#filter) this.#host.ending(this.#filter.pause());
    this.#filter = undefined;
  }

  /**
   * Shows more or fewer lines around matches. Below zero, hides the continuation lines of their
   * records. Returns what is visible now if that has changed; undefined without a filter.
   */
  addContext(lines: number): "lines" | "records" | "" | undefined {
    const filter = this.#filter;
    if (!filter) return undefined;
    if (lines > 0 ? this.#byLine : filter.areRecords && filter.context === 0) {
      this.#byLine = lines < 0;
      this.apply();
      return this.#byLine ? "lines" : "records";
    }
    this.#host.replacing(() => filter.setContext(filter.context + lines));
    return "";
  }

  #newFilter(): Filtering | undefined {
    const { sources, facets } = this;
    const without = sources.muted;
    const { levels } = facets;
    if (this.#pattern === "" && !levels && without.length === 0) return undefined;
    const conditions = {
      pattern: this.#pattern,
      ignoreCase: this.#searching.ignoresCase,
      folded: this.#host.folded(),
      byLine: this.#byLine,
      levels,
      without,
    };
    const descriptions = [facets.description, sources.description].filter((text) => text !== "");
    return new Filtering(this.#document, conditions, { near: this.#host.top(), descriptions }, this.#host.changed);
  }
}
