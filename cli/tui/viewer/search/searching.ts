import { messageOf } from "../../../../src/errors.ts";
import {
  type Direction,
  type FoldedLines,
  HitMap,
  Hits,
  type Mark,
  Matcher,
  mayBacktrack,
  type SearchResult,
} from "../../../../src/text/index.ts";
import { type Highlight, highlightOf } from "../../canvas/highlight.ts";
import type { Document } from "../document/document.ts";
import { describeBytes, type SearchMode, searchQuery } from "./search-query.ts";

/** The displayed pattern of a search for levels. */
const PROBLEMS = "errors and warnings";

/** A search in the status row. */
export interface SearchStatus {
  pattern: string;
  /** True if the pattern describes the search in words. */
  isOfLevels: boolean;
  /**
   * Number of the current match; undefined if there is no match, or if the number is not known yet.
   */
  ordinal: number | undefined;
  total: number;
  /** Searched fraction of the text, from 0 to 1. */
  progress: number;
  isRunning: boolean;
}

interface Search {
  pattern: string;
  mode: SearchMode;
  hits: Hits;
  map: HitMap;
  /** Marks matches; set only for a search of text. */
  highlight: Highlight | undefined;
  /** The bytes to find; set only for a search of bytes. */
  bytes: Buffer | undefined;
}

/** The current search: a pattern, its matches in the document, and the current match. */
export class Searching {
  readonly #document: Document;
  readonly #changed: () => void;
  #pattern = "";
  #mode: SearchMode = "text";
  #ignoresCase = false;
  /** Lines of JSON that are shown by their fields. */
  #folded: FoldedLines | undefined;
  #search: Search | undefined;
  /** The pattern during typing. Its matches are shown instead of those of the search. */
  #tried: Search | undefined;
  /** Resolves once cancelled searches no longer read. */
  #ending: Promise<void> = Promise.resolve();
  /** Offset of the current match. */
  at: number | undefined;
  /** Offset of the match that is shown during typing. */
  triedAt: number | undefined;
  /** True if the matches are hidden. */
  isHidden = false;

  constructor(document: Document, changed: () => void) {
    this.#document = document;
    this.#changed = changed;
  }

  get pattern(): string {
    return this.#pattern;
  }

  get ignoresCase(): boolean {
    return this.#ignoresCase;
  }

  /**
   * Starts a search for another pattern.
   * @throws Error for an invalid pattern, in one line; the previous search then stays
   */
  set(pattern: string, mode: SearchMode): void {
    const tried = this.#tried;
    if (tried?.pattern === pattern && tried.mode === mode) {
      this.#tried = undefined;
      this.#take(tried);
    } else this.#use(pattern, mode);
    this.at = undefined;
  }

  /** Offset of the match that is shown; undefined while matches are hidden. */
  get shownAt(): number | undefined {
    if (this.#tried) return this.triedAt;
    return this.isHidden ? undefined : this.at;
  }

  /** Counts the matches. `at`: the current match, if known, at which the scan starts. */
  count(at: number | undefined): void {
    this.at = at;
    this.#search?.hits.scan.go(at);
  }

  /**
   * Shows the matches of a pattern during typing. Keeps the search, but hides its matches. Cancels
   * the scan of the previous typed pattern.
   * @throws Error for an invalid pattern; the previous one then stays
   */
  try(pattern: string, mode: SearchMode): void {
    const tried = this.#make(pattern, mode);
    this.endTry();
    this.#tried = tried;
  }

  /** Shows the matches of the search again. */
  endTry(): void {
    this.#end(this.#tried);
    this.#tried = undefined;
    this.triedAt = undefined;
  }

  async findTried(from: number, direction: Direction): Promise<SearchResult> {
    return (await this.#tried?.hits.find(from, direction)) ?? { kind: "none" };
  }

  /** Cancels the scan for the typed pattern. Keeps the marks of its visible matches. */
  restTried(): void {
    void this.#tried?.hits.scan.cancel();
  }

  /**
   * Searches for the same pattern in the other mode. Ends the search if the pattern is invalid in
   * that mode.
   */
  turn(mode: SearchMode): void {
    if (this.#pattern === "" || mode === this.#mode) return;
    try {
      if (this.#mode === "levels") this.#drop();
      else this.#again(mode);
    } catch {
      this.#drop();
    }
  }

  /** Searches for lines with errors and warnings, unless that search is active. */
  setProblems(): void {
    if (this.#mode !== "levels" || this.#pattern === "") this.set(PROBLEMS, "levels");
  }

  /** Turns smart case on or off: lower-case letters match upper case too. */
  toggleCase(): void {
    this.#ignoresCase = !this.#ignoresCase;
    if (this.#pattern !== "") this.#again(this.#mode);
  }

  /** Sets which lines of JSON are shown by their fields. */
  findFolded(lines: FoldedLines | undefined): void {
    if (lines === this.#folded) return;
    this.#folded = lines;
    if (this.#mode === "text") this.renew();
  }

  /** Searches again after a change of the encoding. */
  renew(): void {
    if (this.#pattern !== "") this.#again(this.#mode);
  }

  /**
   * Returns why a search for `pattern` is impossible, in one line; undefined if the pattern is
   * valid.
   */
  refusal(pattern: string, mode: SearchMode): string | undefined {
    try {
      const query = searchQuery(pattern, mode, this.#document.encoding, { ignoreCase: this.#ignoresCase });
      if (query.kind === "lines") new Matcher(query.match);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Describes a search without matches: the pattern, and in hex how its digits become bytes. */
  get description(): string {
    return this.#mode === "hex" ? describeBytes(this.#pattern) : this.#pattern;
  }

  async find(from: number, direction: Direction): Promise<SearchResult> {
    this.isHidden = false;
    return (await this.#search?.hits.find(from, direction)) ?? { kind: "none" };
  }

  get highlight(): Highlight | undefined {
    return this.#shown?.highlight;
  }

  /** Returns the matches within `bytes`. */
  marksIn(bytes: Buffer): Mark[] {
    const wanted = this.#shown?.bytes;
    const marks: Mark[] = [];
    if (!wanted) return marks;
    for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + wanted.length))
      marks.push({ start: at, end: at + wanted.length });
    return marks;
  }

  /** Length of a match in bytes, for a search of bytes. */
  get length(): number {
    return this.#shown?.bytes?.length ?? 0;
  }

  get status(): SearchStatus | undefined {
    const hits = this.#search?.hits;
    if (!hits || this.isHidden) return undefined;
    const { scan } = hits;
    // The scan belongs to the other mode and was never used.
    if (scan.isCancelled && scan.counts.knownBytes === 0) return undefined;
    return {
      pattern: this.#pattern,
      isOfLevels: this.#mode === "levels",
      ordinal: this.at === undefined ? undefined : hits.ordinal(this.at),
      total: scan.counts.total,
      progress: hits.progress,
      isRunning: scan.isRunning,
    };
  }

  /**
   * Returns for each of `parts` equal parts of the text whether it has matches. Undefined without a
   * search, and during typing.
   */
  ticks(parts: number): Uint8Array | undefined {
    if (this.isHidden || !this.#search || this.#tried) return undefined;
    const { has, isRough } = this.#search.map.parts(parts);
    if (isRough) this.#changed();
    return has;
  }

  /** Searches new text, unless the user has cancelled the search. */
  grown(): void {
    const { hits } = this.#search ?? {};
    if (hits && !hits.scan.isCancelled) hits.grown();
  }

  /** Drops everything before `offset`. No scan may be in progress. */
  dropBefore(offset: number): void {
    this.#search?.hits.dropBefore(offset);
    this.#tried?.hits.dropBefore(offset);
    if (this.at !== undefined && this.at < offset) this.at = undefined;
  }

  /** Cancels the scan. True if one was in progress. */
  cancel(): boolean {
    const { scan } = this.#search?.hits ?? {};
    if (!scan?.isRunning) return false;
    void scan.cancel();
    return true;
  }

  /** Resolves once nothing reads the source. The result is a function that resumes the search. */
  async pause(): Promise<() => void> {
    const { scan } = this.#search?.hits ?? {};
    const wasRunning = scan?.isRunning === true || scan?.isCancelled === false;
    await Promise.all([scan?.cancel(), this.#tried?.hits.scan.cancel(), this.#ending]);
    return () => {
      if (wasRunning) scan?.go();
    };
  }

  async close(): Promise<void> {
    this.endTry();
    this.#end(this.#search);
    this.#search = undefined;
    await this.#ending;
  }

  /** The search whose matches are marked. */
  get #shown(): Search | undefined {
    return this.#tried ?? (this.isHidden ? undefined : this.#search);
  }

  /** Searches for the same pattern again, and counts its matches if they were counted. */
  #again(mode: SearchMode): void {
    const wasCounted = this.#search?.hits.scan.isCancelled === false;
    this.#use(this.#pattern, mode);
    if (wasCounted) this.#search?.hits.scan.go(this.at);
  }

  #use(pattern: string, mode: SearchMode): void {
    this.#take(this.#make(pattern, mode));
  }

  #take(search: Search): void {
    this.#end(this.#search);
    this.#search = search;
    this.#pattern = search.pattern;
    this.#mode = search.mode;
  }

  #make(pattern: string, mode: SearchMode): Search {
    const options = { ignoreCase: this.#ignoresCase, folded: this.#folded };
    const query = searchQuery(pattern, mode, this.#document.encoding, options);
    const hits = new Hits(this.#document.source, query, this.#changed);
    return {
      pattern,
      mode,
      hits,
      map: new HitMap(this.#document.source, hits),
      highlight: query.kind === "lines" ? highlightOf(new Matcher(query.match), mayBacktrack(pattern)) : undefined,
      bytes: query.kind === "bytes" ? Buffer.from(query.bytes) : undefined,
    };
  }

  #drop(): void {
    this.#end(this.#search);
    this.#search = undefined;
    this.#pattern = "";
    this.#mode = "text";
  }

  #end(search: Search | undefined): void {
    if (!search) return;
    this.#ending = Promise.all([this.#ending, search.hits.scan.cancel()]).then(() => undefined);
  }
}
