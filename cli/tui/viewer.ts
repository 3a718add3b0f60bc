import {
  clusters,
  type Direction,
  ENCODINGS,
  type Encoding,
  HexRows,
  hexBytesFor,
  hexRow,
  type LineSpace,
  looksBinary,
  type Place,
  Viewport,
} from "../../src/text/index.ts";
import type { Content } from "./content.ts";
import { Document } from "./document.ts";
import { Filtering, type FilterStatus } from "./filtering.ts";
import { parseDestination } from "./goto.ts";
import { Growth } from "./growth.ts";
import { Gutter } from "./gutter.ts";
import type { Action } from "./keymap.ts";
import type { JsonView } from "./line-text.ts";
import { Pane, type PaneView } from "./pane.ts";
import { type ByteRange, bytesOf, linesOf } from "./range.ts";
import { Searching, type SearchStatus } from "./searching.ts";
import { offsetOfTime } from "./times.ts";

/** Columns that one press of Left or Right moves; a tab stop. */
const SIDE_STEP = 8;
/** Lines of a file that is smaller than this are counted at once; of a bigger one when somebody asks for a number. */
const COUNTED_AT_ONCE = 256 * 1024 * 1024;
/** Hits that are passed over in one go when a filter hides them. */
const HIDDEN_AT_ONCE = 256;

const ENCODING_NAMES: Readonly<Record<Encoding, string>> = {
  "utf-8": "UTF-8",
  latin1: "Latin-1",
  "utf-16le": "UTF-16 LE",
  "utf-16be": "UTF-16 BE",
};

/** Actions after which the result of a search that is still running would come as a surprise. */
const MOVES: ReadonlySet<string> = new Set([
  "line-down",
  "line-up",
  "page-down",
  "page-up",
  "half-page-down",
  "half-page-up",
  "start",
  "end",
  "follow",
  "percent",
]);

export type FollowState = "off" | "on" | "paused";

/** What the status row tells. */
export interface ViewerStatus {
  mode: "text" | "hex";
  follow: FollowState;
  /** Lines that came since the pause. */
  news: number;
  /** Lines a second, and those of the last seconds as a picture. */
  rate: number;
  picture: string;
  /** Where the first line on the screen begins in its file, and how long that is. */
  top: number;
  length: number;
  /** Offsets in the text: after the last line on the screen, its end and its start. */
  bottom: number;
  end: number;
  start: number;
  /** The beginning of a stream was dropped. */
  isDropping: boolean;
  /** Number of the first line on the screen. */
  line: { number: number; isExact: boolean } | undefined;
  left: number;
  search: SearchStatus | undefined;
  filter: FilterStatus | undefined;
  /** Part of the lines that were counted, while that goes on. */
  index: number | undefined;
  /** Ways of showing that are not the usual one. */
  modes: readonly string[];
  /** Digits typed before a key. */
  count: string;
  /** One line for the user, empty when there is none. Made safe where it is drawn. */
  message: string;
}

export interface ViewerOptions {
  content: Content;
  colours: "pass" | "drop";
  /** False where there is nothing to follow with. */
  canFollow: boolean;
  /** What times without a zone mean. */
  zone: "utc" | "local";
  hex: boolean;
  /** Something changed that a frame should show. */
  changed(): void;
}

/** The viewer without a terminal: actions in, rows and status out. */
export class Viewer {
  readonly #options: ViewerOptions;
  readonly #document: Document;
  readonly #searching: Searching;
  readonly #growth: Growth;
  readonly #gutter = new Gutter();
  readonly #marks = new Map<string, number>();
  readonly #viewport: Viewport;
  readonly #pane: Pane;
  #filter: Filtering | undefined;
  #hex: HexRows | undefined;
  #columns = 80;
  #height = 22;
  #left = 0;
  #wrap = false;
  #json: JsonView = "raw";
  #levels = true;
  #numbers = false;
  #follow: FollowState = "off";
  /** Lines that had come when one paused. */
  #pausedAt = 0;
  /** Searches to do: `n` pressed three times goes three matches on. */
  #searches: Direction[] = [];
  #searchesRun: Promise<void> | undefined;
  /** Counts what ended searches: a result that was on its way then is not shown. */
  #searchEnds = 0;
  /** What waits for the next key: a mark's name. */
  #waitsFor: "mark" | "jump" | undefined;
  #count = "";
  #message = "";
  #unread = 0;
  /** Where one was before the last jump. */
  #before = 0;
  /** Where the range begins that one marks. */
  #anchor: number | undefined;
  /** True while an engine follows and tells of cuts itself. */
  isFollowed = false;
  /** Changes of the source, one after the other. */
  #changes: Promise<void> = Promise.resolve();
  #closed = false;
  /** One has cancelled the counting of lines: it does not begin by itself again. */
  #indexEnded = false;
  #isReady = false;

  constructor(options: ViewerOptions) {
    this.#options = options;
    const changed = () => options.changed();
    this.#document = new Document(options.content, () => this.#known());
    this.#searching = new Searching(this.#document, changed);
    this.#growth = new Growth(this.#document, Date.now());
    this.#pane = new Pane(this.#document, this.#paneView(0));
    this.#viewport = new Viewport(this.#document.lines, (line) => this.#rowsIn(line));
    if (options.hex) this.#setHex(true);
  }

  get follow(): FollowState {
    return this.#follow;
  }

  /** Bytes there are below the screen, as of the last frame. */
  get unread(): number {
    return this.#unread;
  }

  resize(columns: number, height: number): void {
    const anchor = this.#viewport.top.line;
    this.#columns = columns;
    this.#height = height;
    if (this.#hex) this.#setHex(true);
    this.#pane.show(this.#paneView(this.#gutter.width));
    this.#viewport.resize(height);
    if (!this.#pane.isFlat) this.#viewport.show(anchor);
  }

  /** Takes digits and names of marks, before the table of keys is asked. True when it was one. */
  key(key: string): boolean {
    const waitsFor = this.#waitsFor;
    this.#waitsFor = undefined;
    if (waitsFor) {
      this.#message = "";
      if (key !== "escape") this.#named(waitsFor, key);
      return true;
    }
    if (!/^\d$/.test(key) || (key === "0" && this.#count === "")) return false;
    if (this.#count.length < 15) this.#count += key;
    return true;
  }

  /** Does what a key of the viewer means. A move ends a search that would move somewhere else. True when it was one of the viewer's. */
  act(action: Action): boolean {
    if (MOVES.has(action)) this.#endSearches();
    const count = this.#count === "" ? undefined : Number(this.#count);
    this.#count = "";
    const done = this.#act(action, count);
    return done;
  }

  #act(action: Action, count: number | undefined): boolean {
    const page = Math.max(1, this.#height - 1);
    const times = count ?? 1;
    switch (action as string) {
      case "line-down":
        return this.#scroll(times);
      case "line-up":
        return this.#scroll(-times);
      case "page-down":
        return this.#scroll(count ?? page);
      case "page-up":
        return this.#scroll(-(count ?? page));
      case "half-page-down":
        return this.#scroll(count ?? Math.ceil(page / 2));
      case "half-page-up":
        return this.#scroll(-(count ?? Math.ceil(page / 2)));
      case "start":
        if (count !== undefined) return this.#toLine(count);
        return this.#jump(() => this.#toStart());
      case "end":
        if (count !== undefined) return this.#toLine(count);
        return this.#jump(() => this.toEnd());
      case "percent":
        return this.#jump(() => this.#toPercent(count ?? 0));
      case "left":
        return this.#toColumn(this.#left - SIDE_STEP * times);
      case "right":
        return this.#toColumn(this.#left + SIDE_STEP * times);
      case "first-column":
        return this.#toColumn(0);
      case "follow":
        this.toggleFollow();
        return true;
      case "next-match":
        return this.#searchAgain("forward", times);
      case "previous-match":
        return this.#searchAgain("backward", times);
      case "ignore-case":
        this.#searching.toggleCase();
        return this.#say(this.#searching.ignoresCase ? "searches ignore case" : "searches mind case");
      case "wrap":
        this.#wrap = !this.#wrap;
        return this.#reshape();
      case "line-numbers":
        this.#numbers = !this.#numbers;
        if (this.#numbers) this.#countLines();
        return true;
      case "levels":
        this.#levels = !this.#levels;
        return this.#say(this.#levels ? "levels in colour" : "levels without colour");
      case "json":
        this.#json = { raw: "folded", folded: "unfolded", unfolded: "raw" }[this.#json] as JsonView;
        return this.#reshape();
      case "hex":
        this.#setHex(this.#hex === undefined);
        return true;
      case "encoding":
        this.#turnEncoding();
        return true;
      case "more-context":
        return this.#addContext(times);
      case "less-context":
        return this.#addContext(-times);
      case "mark":
      case "jump":
        this.#waitsFor = action as "mark" | "jump";
        return this.#say(
          action === ("mark" as string) ? "mark: a letter" : "go to mark: its letter, or ' for where one was",
        );
      case "range":
        return this.#toggleRange();
      case "cancel":
        this.#cancel();
        return true;
      default:
        return false;
    }
  }

  /** Shows the last page; a paused follow goes on. */
  toEnd(): void {
    this.#filter?.near(this.#document.source.end(), "backward");
    this.#viewport.forget();
    this.#viewport.toEnd();
    if (this.#follow === "paused") this.#follow = "on";
  }

  toggleFollow(): void {
    if (!this.#options.canFollow) {
      this.say("nothing to follow here: this is no file that grows");
      return;
    }
    this.#follow = this.#follow === "on" ? "off" : "on";
    if (this.#follow === "on") this.toEnd();
  }

  /** What is typed behind `:`. Says what it does not understand. */
  goto(text: string): void {
    const destination = parseDestination(text);
    if (!destination) return;
    const { source, chain } = this.#document;
    switch (destination.kind) {
      case "line":
        this.#toLine(destination.line);
        return;
      case "percent":
        this.#jump(() => this.#toPercent(destination.percent));
        return;
      case "offset":
        if (destination.offset >= source.end()) this.say(`there are ${source.end()} bytes`);
        this.#jump(() => this.#show(chain?.offsetOf(destination.offset) ?? destination.offset));
        return;
      case "end":
        this.#jump(() => this.toEnd());
        return;
      default: {
        const top = this.#viewport.top.line;
        offsetOfTime(this.#document, destination, this.#document.lines.at(top), this.#options.zone).then(
          (offset) => {
            this.#jump(() => this.#show(offset));
            if (offset >= source.end()) this.say("everything here is earlier");
            this.#options.changed();
          },
          (error: unknown) => this.say(reasonOf(error)),
        );
      }
    }
  }

  /** A new search, from where one is. An empty pattern repeats the last one. */
  search(pattern: string, direction: Direction): void {
    if (pattern !== "") {
      try {
        this.#searching.set(pattern, this.#hex ? "hex" : "text");
      } catch (error) {
        this.say(reasonOf(error));
        return;
      }
      this.#endSearches();
    }
    this.#searchAgain(direction, 1);
  }

  /** Shows only lines that match, or with `!` in front those that do not; all lines again for an empty pattern. */
  setFilter(pattern: string): void {
    if (this.#hex) {
      this.say("bytes cannot be filtered: x shows the text");
      return;
    }
    const before = this.#filter;
    try {
      const near = this.#viewport.top.line;
      const options = { ignoreCase: this.#searching.ignoresCase, near };
      this.#filter =
        pattern === "" || pattern === "!"
          ? undefined
          : new Filtering(this.#document, pattern, options, () => this.#known());
    } catch (error) {
      this.say(reasonOf(error));
      return;
    }
    before?.cancel();
    this.#pane.clear();
    this.#reshape();
    if (this.#follow === "on") this.#viewport.toEnd();
  }

  get filter(): string {
    return this.#filter?.pattern ?? "";
  }

  say(message: string): void {
    this.#message = message;
    this.#options.changed();
  }

  clearMessage(): void {
    this.#message = "";
  }

  /** Exact widths are there: what was laid out by estimates is not kept. */
  layOutAnew(): void {
    this.#pane.clear();
    this.#viewport.forget();
  }

  /** Somebody stays here: what is of use later may begin. */
  ready(): void {
    this.#isReady = true;
    this.#options.changed();
  }

  /** The source has more bytes. */
  grown(): void {
    this.#options.changed();
  }

  /** A row of ours, at the end: something happened to what is followed. */
  note(text: string): void {
    this.#document.chain?.note(text);
    this.#growth.skipTo(this.#document.source.end());
    this.#options.changed();
  }

  /** The file was cut or written anew in place: what it held is gone. */
  truncated(text: string): void {
    const { chain } = this.#document;
    if (!chain) return;
    chain.restart(text, this.#document.knownEnd);
    this.#pane.clear();
    this.#searching.at = undefined;
    this.#anchor = undefined;
    this.#growth.skipTo(chain.end());
    this.#change(() => {
      const start = chain.start();
      this.#document.dropBefore(start);
      this.#searching.dropBefore(start);
      this.#filter?.dropBefore(start);
    });
    this.#document.dropBefore(chain.start());
    this.#viewport.forget();
    this.#viewport.settle();
    this.#options.changed();
  }

  /** Another file goes on from here, from its offset `from`. `dropped` hears of descriptors that are read no more. */
  continueWith(fd: number, from: number | undefined, text: string, dropped: (fds: number[]) => void): void {
    const { chain } = this.#document;
    if (!chain) return;
    const end = chain.end();
    chain.continueWith(fd, from ?? chain.offsetInFile(end), text);
    this.#growth.skipTo(chain.end());
    const start = chain.start();
    const fds = chain.takeDropped();
    if (fds.length > 0)
      this.#change(() => {
        this.#document.dropBefore(start);
        this.#searching.dropBefore(start);
        this.#filter?.dropBefore(start);
        dropped(fds);
      });
    this.#viewport.forget();
    this.#options.changed();
  }

  /** Bytes of the marked range, or of the lines on the screen, as they are in the file; through the filter, when there is one. */
  *output(): Generator<Buffer> {
    const { source, lines, chain } = this.#document;
    const range = this.range();
    const notes = chain?.notes() ?? [];
    if (!this.#filter) yield* bytesOf(source, range, notes);
    else yield* linesOf(source, this.#filter.lines, range, (line) => lines.next(line) ?? source.end(), notes);
  }

  /** Where that is, in offsets of the document. `isMarked`: one has marked it. */
  range(): ByteRange & { isMarked: boolean } {
    const visible = this.#viewport.visible();
    const last = visible.at(-1);
    const start = this.#viewport.top.line;
    const end = last === undefined ? start : this.#endOf(last.line);
    const anchor = this.#anchor;
    if (anchor === undefined) return { start, end, isMarked: false };
    return { start: Math.min(start, anchor), end: Math.max(end, this.#endOf(anchor)), isMarked: true };
  }

  /** The rows of the pane and what the status tells of them, from one look at the source. */
  frame(): { rows: string[]; status: ViewerStatus } {
    this.#look();
    const { isMarked } = this.range();
    const width = this.#gutter.fit({
      numbers: this.#numbers && !this.#hex ? this.#lineTotal() : 0,
      isRanged: isMarked,
    });
    const view = this.#paneView(width);
    if (view.width !== this.#pane.width) this.#viewport.forget();
    this.#pane.show(view);
    this.#viewport.settle();
    if (this.#follow === "on") this.#viewport.toEnd();
    const places = this.#viewport.visible();
    const range = this.range();
    const shown = this.#hex
      ? places.map(({ line }) => this.#hexRow(line, view))
      : this.#pane.rows(places, this.#document.chain?.notes() ?? [], (line) => this.#filter?.isAside(line) ?? false);
    const rows = width === 0 ? shown : shown.map((row, index) => this.#gutterOf(places, index, range) + row);
    while (rows.length < this.#height) rows.push("");
    const status = this.#status(places);
    return { rows, status };
  }

  /** Resolves when no thread reads the source any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#searches = [];
    const filter = this.#filter;
    await this.#changes;
    await Promise.all([this.#searching.close(), filter?.pause(), this.#document.index.scan.cancel()]);
  }

  /** Once a frame: what has the source become? */
  #look(): void {
    const { scan } = this.#document.index;
    const change = this.#document.look();
    if (change === "cut" && this.#document.chain && !this.isFollowed)
      this.truncated("the file was truncated: this is its new beginning");
    if (change === "grown") {
      this.#viewport.forget();
      this.#searching.grown();
      this.#filter?.grown();
      if (!scan.isCancelled) scan.go();
    }
    if (this.#isReady && scan.isCancelled && !this.#indexEnded && this.#document.source.end() < COUNTED_AT_ONCE)
      scan.go();
    if (this.#growth.look(Date.now())) this.#options.changed();
  }

  #countLines(): void {
    this.#indexEnded = false;
    this.#document.index.scan.go();
  }

  /** More is known: of a filter's lines, of numbers. */
  #known(): void {
    this.#viewport.forget();
    if (this.#filter?.failure !== undefined) this.#message = this.#filter.failure;
    this.#options.changed();
  }

  get #space(): LineSpace {
    return this.#hex ?? this.#filter?.lines ?? this.#document.lines;
  }

  #rowsIn(line: number): number {
    return this.#hex ? 1 : this.#pane.rowsIn(line);
  }

  #paneView(gutter: number): PaneView {
    return {
      left: this.#left,
      width: Math.max(1, this.#columns - gutter),
      colours: this.#options.colours,
      wrap: this.#wrap,
      json: this.#json,
      levels: this.#levels,
      highlight: this.#searching.highlight,
    };
  }

  /** The way of showing has changed: the same line stays at the top. */
  #reshape(): true {
    this.#pane.show(this.#paneView(this.#gutter.width));
    this.#viewport.reshape(this.#space, (line) => this.#rowsIn(line));
    return true;
  }

  #scroll(rows: number): true {
    const viewport = this.#viewport;
    viewport.scroll(rows);
    if (rows < 0 && this.#follow === "on" && !viewport.atEnd()) this.#pause();
    else if (rows > 0 && this.#follow === "paused" && viewport.atEnd()) this.#follow = "on";
    return true;
  }

  #pause(): void {
    this.#follow = "paused";
    this.#pausedAt = this.#growth.lines;
  }

  #toColumn(column: number): true {
    this.#left = Math.max(0, column);
    if (this.#wrap && !this.#hex && column > 0) return this.#say("long lines are wrapped: w cuts them");
    return true;
  }

  #jump(move: () => void): true {
    const before = this.#viewport.top.line;
    move();
    if (this.#viewport.top.line !== before) this.#before = before;
    if (this.#follow === "on" && !this.#viewport.atEnd()) this.#pause();
    return true;
  }

  #toStart(): void {
    this.#filter?.near(0);
    this.#viewport.toStart();
  }

  #show(offset: number): void {
    this.#filter?.near(offset);
    this.#viewport.show(offset);
  }

  #toPercent(percent: number): void {
    const { source } = this.#document;
    const [start, end] = [source.start(), source.end()];
    this.#show(start + Math.floor(((end - start) * Math.min(100, percent)) / 100));
  }

  #toLine(number: number): true {
    const offset = this.#document.offsetOfLine(Math.max(1, number));
    if (typeof offset === "number") {
      return this.#jump(() => this.#show(offset < this.#document.source.end() ? offset : Math.max(0, offset - 1)));
    }
    if (offset === undefined) {
      this.#jump(() => this.toEnd());
      return this.#say("there are not so many lines: this is the end");
    }
    const ends = ++this.#searchEnds;
    this.#countLines();
    void this.#awaitLine(number, ends);
    return true;
  }

  /** Goes there when that many lines are counted, unless one has gone elsewhere meanwhile. */
  async #awaitLine(number: number, ends: number): Promise<void> {
    const { scan } = this.#document.index;
    while (ends === this.#searchEnds && !this.#closed) {
      const offset = this.#document.offsetOfLine(number);
      if (offset !== "unknown") {
        this.#toLine(number);
        this.#options.changed();
        return;
      }
      if (!scan.isRunning) return this.say("the lines were not counted that far");
      await scan.progressed();
    }
  }

  #say(message: string): true {
    this.say(message);
    return true;
  }

  #setHex(on: boolean): void {
    const top = this.#viewport?.top.line ?? 0;
    this.#hex = on ? new HexRows(this.#document.source, hexBytesFor(this.#columns)) : undefined;
    this.#searching.turn(on ? "hex" : "text");
    this.#reshape();
    this.#viewport.show(this.#document.mark > 0 && top <= this.#document.mark ? 0 : top);
  }

  #hexRow(offset: number, view: PaneView): string {
    const hex = this.#hex;
    if (!hex) return "";
    const overlap = Math.max(0, this.#searching.length - 1);
    const { cache, source, chain } = this.#document;
    const begin = Math.max(source.start(), offset - overlap);
    const bytes = cache.slice(begin, offset + hex.bytes + overlap);
    const skip = offset - begin;
    const present = Math.max(0, Math.min(hex.bytes, bytes.length - skip));
    const hits = this.#searching
      .marksIn(bytes)
      .map(({ start, end }) => ({ start: Math.max(0, start - skip), end: Math.min(present, end - skip) }))
      .filter(({ start, end }) => start < end);
    const before = Math.max(0, source.start() - offset);
    const row = Buffer.alloc(before + present);
    bytes.copy(row, before, Math.max(0, skip), Math.max(0, skip) + present);
    return hexRow(chain?.offsetInFile(offset) ?? offset, row, { ...view, bytes: hex.bytes, before }, hits);
  }

  #turnEncoding(): void {
    const next = ENCODINGS[(ENCODINGS.indexOf(this.#document.encoding) + 1) % ENCODINGS.length] ?? "utf-8";
    const wasCounting = !this.#document.index.scan.isCancelled;
    const filter = this.#filter?.pattern;
    this.#filter?.cancel();
    this.#filter = undefined;
    void this.#document.readAs(next);
    this.#searching.renew();
    if (wasCounting) this.#document.index.scan.go();
    this.#pane.clear();
    this.#reshape();
    if (filter !== undefined) this.setFilter(filter);
    this.say(`read as ${ENCODING_NAMES[next]}`);
  }

  #addContext(lines: number): true {
    if (!this.#filter) return this.#say("no filter: & and a regular expression show only lines that match");
    this.#filter.setContext(this.#filter.context + lines);
    this.#pane.clear();
    return this.#reshape();
  }

  #named(what: "mark" | "jump", key: string): void {
    if ([...clusters(key)].length !== 1) {
      this.say("a mark's name is a letter");
      return;
    }
    const top = this.#viewport.top.line;
    if (what === "mark") {
      this.#marks.set(key, top);
      this.say(`this is mark ${key}: '${key} comes back`);
      return;
    }
    const wanted = key === "'" ? this.#before : key === "^" ? this.#document.source.start() : this.#marks.get(key);
    if (key === "$") this.#jump(() => this.toEnd());
    else if (wanted === undefined) this.say(`there is no mark ${key}`);
    else this.#jump(() => this.#show(wanted));
  }

  #toggleRange(): true {
    this.#anchor = this.#anchor === undefined ? this.#viewport.top.line : undefined;
    if (this.#anchor === undefined) return this.#say("no range");
    return this.#say("the range begins here and ends with the screen's last line: scroll; R ends it");
  }

  #endOf(line: number): number {
    if (this.#hex) return Math.min(line + this.#hex.bytes, this.#document.source.end());
    return this.#document.lines.next(line) ?? this.#document.source.end();
  }

  #cancel(): void {
    const searched = this.#endSearches() || this.#searching.cancel();
    if (searched || this.#filter?.cancel()) {
      this.say(searched ? "search cancelled" : "filter cancelled: this is not all");
      if (searched) this.#searching.cancel();
    } else if (this.#document.index.scan.isRunning) {
      this.#indexEnded = true;
      void this.#document.index.scan.cancel();
      this.say("counting cancelled");
    } else if (this.#anchor !== undefined) this.#anchor = undefined;
    else this.#searching.isHidden = true;
  }

  #searchAgain(direction: Direction, times: number): true {
    if (this.#searching.pattern === "") return this.#say("no search yet: type / and a regular expression");
    this.#searching.isHidden = false;
    for (let time = 0; time < Math.min(times, 1000); time++) this.#searches.push(direction);
    this.#searchesRun ??= this.#runSearches();
    return true;
  }

  /** True when a search was running. What was found is counted on. */
  #endSearches(): boolean {
    this.#searches = [];
    this.#searchEnds++;
    return this.#searchesRun !== undefined;
  }

  async #runSearches(): Promise<void> {
    for (let direction = this.#searches.shift(); direction; direction = this.#searches.shift())
      await this.#find(direction);
    this.#searchesRun = undefined;
    this.#options.changed();
  }

  async #find(direction: Direction): Promise<void> {
    const ends = this.#searchEnds;
    try {
      let from = this.#searchStart(direction);
      for (let passed = 0; ; passed++) {
        const found = await this.#searching.find(from, direction);
        if (ends !== this.#searchEnds) return;
        if (found.kind === "none")
          this.say(`not found ${direction === "forward" ? "below" : "above"}: ${this.#searching.pattern}`);
        if (found.kind !== "found") return;
        if (this.#hex || this.#space.at(found.at) === found.at) return this.#showHit(found.at);
        from = direction === "forward" ? this.#endOf(found.at) : found.at;
        if (passed % HIDDEN_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      this.say(`search failed: ${reasonOf(error)}`);
    }
  }

  /** Beside the last hit while that is on the screen; else from the first line of the screen. */
  #searchStart(direction: Direction): number {
    const { line } = this.#viewport.top;
    const at = this.#searching.at;
    const shownLine = at === undefined ? undefined : this.#space.at(at);
    if (at === undefined || !this.#viewport.visible().some((place) => place.line === shownLine)) return line;
    if (direction === "backward") return at;
    return this.#hex ? at + 1 : this.#endOf(at);
  }

  #showHit(at: number): void {
    this.#searching.at = at;
    this.#message = "";
    this.#jump(() => this.#viewport.show(at));
  }

  /** Changes what is known of the source while nothing reads it. */
  #change(action: () => void): void {
    this.#changes = this.#changes.then(async () => {
      const { scan } = this.#document.index;
      const counts = !scan.isCancelled;
      const [, search, filter] = await Promise.all([scan.cancel(), this.#searching.pause(), this.#filter?.pause()]);
      action();
      if (this.#closed) return;
      if (counts) scan.go();
      search();
      filter?.();
      this.#options.changed();
    });
  }

  /** Lines of the newest file, perhaps by estimate. */
  #lineTotal(): number {
    return this.#document.lineNumber(this.#document.source.end()).number;
  }

  #gutterOf(places: readonly Place[], index: number, range: ByteRange & { isMarked: boolean }): string {
    const place = places[index];
    if (!place) return "";
    const isNote = this.#document.chain?.notes().some(({ at, end }) => place.line >= at && place.line < end) ?? false;
    const hasNumber = this.#numbers && !this.#hex && place.row === 0 && !isNote;
    const number =
      hasNumber && this.#document.lines.beginsLine(place.line) ? this.#document.lineNumber(place.line) : undefined;
    return this.#gutter.row(number, range.isMarked && place.line >= range.start && place.line < range.end);
  }

  #status(places: readonly Place[]): ViewerStatus {
    const { source, chain, index } = this.#document;
    const inFile = (offset: number) => chain?.offsetInFile(offset) ?? offset;
    const end = source.end();
    const last = places.at(-1);
    const bottom = last === undefined ? end : this.#endOf(last.line);
    this.#unread = end - bottom;
    const modes = [
      this.#document.encoding === "utf-8" ? "" : ENCODING_NAMES[this.#document.encoding],
      this.#wrap && !this.#hex ? "wrapped" : "",
      this.#json === "raw" || this.#hex ? "" : `JSON ${this.#json}`,
    ];
    const first = places[0];
    return {
      mode: this.#hex ? "hex" : "text",
      follow: this.#follow,
      news: this.#growth.lines - this.#pausedAt,
      rate: this.#growth.rate,
      picture: this.#growth.picture,
      top: inFile(this.#viewport.top.line),
      length: chain?.fileEnd(this.#viewport.top.line) ?? end,
      bottom,
      end,
      start: source.start(),
      isDropping: this.#document.isStream && source.start() > 0,
      line: this.#hex || !first ? undefined : this.#document.lineNumber(first.line),
      left: this.#left,
      search: this.#searching.status,
      filter: this.#filter?.status,
      index: index.scan.isRunning && !index.scan.isComplete ? index.scan.progress : undefined,
      modes: modes.filter((mode) => mode !== ""),
      count: this.#count,
      message: this.#message,
    };
  }
}

/** True when the text that would be seen there is none, so that it is better shown by its bytes. */
export function seemsBinary({ source }: Content, atEnd: boolean): boolean {
  const head = Buffer.alloc(4096);
  const from = atEnd ? Math.max(source.start(), source.end() - head.length) : source.start();
  return looksBinary(head.subarray(0, source.read(from, head)));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
