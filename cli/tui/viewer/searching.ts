import { messageOf } from "../../../src/errors.ts";
import {
  type Direction,
  type Encoding,
  HitMap,
  Hits,
  type Mark,
  Matcher,
  mayBacktrack,
  type Query,
  type RecordLevel,
  type SearchResult,
} from "../../../src/text/index.ts";
import type { Highlight } from "../canvas/highlight.ts";
import type { Document } from "./document.ts";

/** How a pattern is meant: as text in lines, or as bytes. */
export type SearchMode = "text" | "hex" | "levels";

/** The pattern of a search for levels: what it finds, in words. */
export const PROBLEMS = "errors and warnings";
const PROBLEM_LEVELS: readonly RecordLevel[] = ["fatal", "error", "warn"];

/** A search in the status row. */
export interface SearchStatus {
  pattern: string;
  /** The pattern is what is searched for in words. */
  isOfLevels: boolean;
  /** Which hit one is at; undefined when at none or not known yet. */
  ordinal: number | undefined;
  total: number;
  /** Part of the text that was looked through, 0 to 1; 1 when all was. */
  progress: number;
  isRunning: boolean;
}

/** A pattern with its hits. */
interface Search {
  pattern: string;
  mode: SearchMode;
  hits: Hits;
  map: HitMap;
  /** Of text. */
  highlight: Highlight | undefined;
  /** Of bytes. */
  bytes: Buffer | undefined;
}

/** The pattern that one searches for, its hits in the document, and the hit that one is at. */
export class Searching {
  readonly #document: Document;
  readonly #changed: () => void;
  #pattern = "";
  #mode: SearchMode = "text";
  #ignoresCase = false;
  /** JSON is shown by its fields: `name=value` finds members. */
  #fields = false;
  #search: Search | undefined;
  /** The pattern that is being typed; it is shown instead of the search. */
  #tried: Search | undefined;
  /** Resolves when searches that were given up read nothing any more. */
  #ending: Promise<void> = Promise.resolve();
  /** Where the hit is that one is at. */
  at: number | undefined;
  /** Hits are not shown while it is true. */
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
   * Searches for another pattern from now on. @throws Error for one that is none, in one line; the
   * one before stays then.
   */
  set(pattern: string, mode: SearchMode): void {
    const tried = this.#tried;
    if (tried?.pattern === pattern && tried.mode === mode) {
      this.#tried = undefined;
      this.#take(tried);
    } else this.#use(pattern, mode);
    this.at = undefined;
  }

  /** Counts the matches. `at`: the current one, if known; the scan starts there. */
  count(at: number | undefined): void {
    this.at = at;
    this.#search?.hits.scan.go(at);
  }

  /**
   * Shows the matches of a pattern that is being typed, instead of those of the search, which stays.
   * Ends the scan of the pattern tried before. @throws Error for an invalid pattern; the one before
   * stays then
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
  }

  async findTried(from: number, direction: Direction): Promise<SearchResult> {
    return (await this.#tried?.hits.find(from, direction)) ?? { kind: "none" };
  }

  /** Ends the scan for the tried pattern; its matches on the screen stay marked. */
  restTried(): void {
    void this.#tried?.hits.scan.cancel();
  }

  /** The same pattern in the other mode; where it is none there, none. */
  turn(mode: SearchMode): void {
    if (this.#pattern === "" || mode === this.#mode) return;
    try {
      if (this.#mode === "levels") this.#drop();
      else this.#use(this.#pattern, mode);
    } catch {
      this.#drop();
    }
  }

  /** Searches for lines with errors and warnings, unless it does so already. */
  setProblems(): void {
    if (this.#mode !== "levels" || this.#pattern === "") this.set(PROBLEMS, "levels");
  }

  /** Small letters find capitals too, or not. */
  toggleCase(): void {
    this.#ignoresCase = !this.#ignoresCase;
    if (this.#pattern !== "") this.#use(this.#pattern, this.#mode);
  }

  /** Lines of JSON are shown by their fields from now on, or as they are. */
  findFields(on: boolean): void {
    if (on === this.#fields) return;
    this.#fields = on;
    if (this.#pattern.includes("=")) this.renew();
  }

  /** The text is read in another encoding. */
  renew(): void {
    if (this.#pattern !== "") this.#use(this.#pattern, this.#mode);
  }

  /** Why a search for `pattern` cannot be made, in one line; undefined when it can. */
  refusal(pattern: string, mode: SearchMode): string | undefined {
    try {
      if (mode === "hex") byteQuery(pattern);
      else new Matcher(lineQuery(pattern, this.#document.encoding, { ignoreCase: this.#ignoresCase }).match);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /**
   * What to tell of a search that found nothing: what was looked for, and in hex how digits become
   * bytes.
   */
  get description(): string {
    const isText = this.#mode !== "hex" || /^x\s/.test(this.#pattern);
    const looksHex = /^(?:(?:0x)?[\da-f]{2}\s*)+$/i.test(this.#pattern);
    return isText || !looksHex ? this.#pattern : `the text ${this.#pattern} (x ${this.#pattern} finds these bytes)`;
  }

  async find(from: number, direction: Direction): Promise<SearchResult> {
    this.isHidden = false;
    return (await this.#search?.hits.find(from, direction)) ?? { kind: "none" };
  }

  get highlight(): Highlight | undefined {
    return this.#shown?.highlight;
  }

  /** Where the bytes that are searched for are in `bytes`. */
  marksIn(bytes: Buffer): Mark[] {
    const wanted = this.#shown?.bytes;
    const marks: Mark[] = [];
    if (!wanted) return marks;
    for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + wanted.length))
      marks.push({ start: at, end: at + wanted.length });
    return marks;
  }

  /** Bytes that a hit has, when bytes are searched for. */
  get length(): number {
    return this.#shown?.bytes?.length ?? 0;
  }

  get status(): SearchStatus | undefined {
    const hits = this.#search?.hits;
    if (!hits || this.isHidden) return undefined;
    const { scan } = hits;
    // Taken over from the other mode, and not asked for since.
    if (scan.isCancelled && scan.counts.knownBytes === 0) return undefined;
    return {
      pattern: this.#pattern,
      isOfLevels: this.#mode === "levels",
      ordinal: this.at === undefined ? undefined : hits.ordinal(this.at),
      total: scan.counts.total,
      progress: scan.isComplete ? 1 : scan.progress,
      isRunning: scan.isRunning,
    };
  }

  /**
   * For each of `parts` equal parts of the text, whether it has matches; undefined without a
   * search, and while a pattern is typed.
   */
  ticks(parts: number): Uint8Array | undefined {
    if (this.isHidden || !this.#search || this.#tried) return undefined;
    const { has, isRough } = this.#search.map.parts(parts);
    if (isRough) this.#changed();
    return has;
  }

  /** The text has grown: counts what came. Not when one has ended the search. */
  grown(): void {
    const { scan } = this.#search?.hits ?? {};
    if (scan && !scan.isCancelled) scan.go();
  }

  /** What was before `offset` is gone. Nothing may be under way. */
  dropBefore(offset: number): void {
    this.#search?.hits.dropBefore(offset);
    this.#tried?.hits.dropBefore(offset);
    if (this.at !== undefined && this.at < offset) this.at = undefined;
  }

  /** Ends what is under way. True when something was. */
  cancel(): boolean {
    const { scan } = this.#search?.hits ?? {};
    if (!scan?.isRunning) return false;
    void scan.cancel();
    return true;
  }

  /** Resolves once nothing reads the source; the result resumes the search. */
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
    const query = this.#query(pattern, mode);
    const hits = new Hits(this.#document.source, query, this.#changed);
    return {
      pattern,
      mode,
      hits,
      map: new HitMap(this.#document.source, hits),
      highlight:
        query.kind === "lines" ? { matcher: new Matcher(query.match), isRisky: mayBacktrack(pattern) } : undefined,
      bytes: query.kind === "bytes" ? Buffer.from(query.bytes) : undefined,
    };
  }

  #query(pattern: string, mode: SearchMode): Query {
    const { encoding } = this.#document;
    if (mode === "hex") return byteQuery(pattern);
    if (mode === "levels") return { kind: "selection", encoding, areRecords: false, levels: PROBLEM_LEVELS };
    return lineQuery(pattern, encoding, { ignoreCase: this.#ignoresCase, fields: this.#fields });
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

/** @throws Error for a pattern that is none */
export function lineQuery(
  pattern: string,
  encoding: Encoding,
  { ignoreCase, fields = false, invert = false }: { ignoreCase: boolean; fields?: boolean; invert?: boolean },
): Extract<Query, { kind: "lines" }> {
  const shown = fields ? orMember(pattern) : pattern;
  // A carriage return before the newline is not shown, and is no character of the line.
  const meant = /(?:^|[^\\])(?:\\\\)*\$$/.test(shown) ? `${shown.slice(0, -1)}\\r?$` : shown;
  return { kind: "lines", encoding, match: { patterns: [meant], ignoreCase }, invert };
}

/**
 * `name=value`, as folded JSON shows a member, also finds the member as it is in the file:
 * `"name":"value"`.
 */
function orMember(pattern: string): string {
  const [, name, value] = /^([\w@.-]+)=(.+)$/s.exec(pattern) ?? [];
  if (name === undefined || value === undefined) return pattern;
  return `(?:${pattern}|"${name.replaceAll(".", "\\.")}"\\s*:\\s*"?${value})`;
}

/**
 * `x 7f454c46` are bytes by their numbers, anything else is text. @throws Error for what are no
 * numbers
 */
function byteQuery(pattern: string): Extract<Query, { kind: "bytes" }> {
  const numbers = /^x\s+(.*)$/s.exec(pattern)?.[1]?.replace(/\s+|0x/g, "");
  if (numbers === undefined) return { kind: "bytes", bytes: Buffer.from(pattern) };
  if (numbers === "" || numbers.length % 2 === 1 || !/^[\da-f]*$/i.test(numbers))
    throw new Error(`'${pattern.slice(1).trim()}' are no bytes: write two digits for each, x 7f454c46`);
  return { kind: "bytes", bytes: Buffer.from(numbers, "hex") };
}
