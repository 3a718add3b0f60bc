import { type Direction, looksBinary, type Place } from "../../src/text/index.ts";
import type { Awaited } from "./bookmarks.ts";
import { type Content, holesOf, type ScreenFile } from "./content.ts";
import { Document } from "./document.ts";
import { Growth } from "./growth.ts";
import { Jumps } from "./jumps.ts";
import type { Action } from "./keymap.ts";
import { MatchWalk } from "./match-walk.ts";
import type { ByteRange } from "./range.ts";
import { Searching } from "./searching.ts";
import { ShownText } from "./shown-text.ts";
import type { FollowState, ViewerOptions, ViewerStatus } from "./viewer-facts.ts";

/** Columns that one press of Left or Right moves; a tab stop. */
const SIDE_STEP = 8;
/** Lines of a file that is smaller than this are counted at once; of a bigger one when somebody asks for a number. */
const COUNTED_AT_ONCE = 256 * 1024 * 1024;

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

/** The viewer without a terminal: actions in, rows and status out. */
export class Viewer {
  readonly #options: ViewerOptions;
  readonly #document: Document;
  readonly #searching: Searching;
  readonly #text: ShownText;
  readonly #walk: MatchWalk;
  readonly #growth: Growth;
  readonly #jumps: Jumps;
  #height = 22;
  #follow: FollowState = "off";
  /** Lines that had come when one paused. */
  #pausedAt = 0;
  /** What waits for the next key. */
  #awaited: Awaited | undefined;
  /** Digits that were typed. */
  #count = "";
  #message = "";
  #unread = 0;
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
    const known = () => this.#known();
    this.#document = new Document(options.content, known);
    this.#searching = new Searching(this.#document, changed);
    this.#growth = new Growth(this.#document, Date.now());
    this.#text = new ShownText(this.#document, this.#searching, options.colours, known);
    const text = this.#text;
    this.#jumps = new Jumps(this.#document, text, {
      zone: options.zone,
      toEnd: () => this.toEnd(),
      moved: () => {
        if (this.#follow === "on" && !text.viewport.atEnd()) this.#pause();
      },
      countLines: () => this.#countLines(),
      say: (message) => this.say(message),
      changed,
    });
    this.#walk = new MatchWalk(this.#searching, {
      start: (direction) => this.#searchStart(direction),
      isShown: (hit) => text.isHex || text.space.at(hit) === hit,
      endOf: (hit) => (text.isHex ? hit + 1 : text.endOf(hit)),
      show: (hit) => {
        this.#message = "";
        this.#jumps.jump(() => text.viewport.show(hit));
      },
      say: (message) => this.say(message),
      changed,
    });
    if (options.hex) text.setHex(true);
  }

  get follow(): FollowState {
    return this.#follow;
  }

  /** The status changes with the next second. */
  get isMoving(): boolean {
    return this.#follow === "on" && this.#growth.isMoving;
  }

  /** Bytes there are below the screen, as of the last frame. */
  get unread(): number {
    return this.#unread;
  }

  resize(columns: number, height: number): void {
    this.#height = height;
    this.#text.resize(columns, height);
  }

  /** Takes digits and names of marks, before the table of keys is asked. True when it was one. */
  key(key: string): boolean {
    const awaited = this.#awaited;
    this.#awaited = undefined;
    if (awaited) {
      this.#message = "";
      if (key !== "escape") this.#jumps.named(awaited, key);
      return true;
    }
    if (!/^\d$/.test(key) || (key === "0" && this.#count === "")) return false;
    if (this.#count.length < 15) this.#count += key;
    return true;
  }

  /** Does what a key of the viewer means. A move ends a search that would move somewhere else. True when it was one of the viewer's. */
  act(action: Action): boolean {
    if (MOVES.has(action)) this.#endWaits();
    const count = this.#count === "" ? undefined : Number(this.#count);
    this.#count = "";
    return this.#move(action, count) || this.#search(action, count ?? 1) || this.#turn(action, count ?? 1);
  }

  #move(action: string, count: number | undefined): boolean {
    const page = Math.max(1, this.#height - 1);
    const times = count ?? 1;
    switch (action) {
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
        return count === undefined ? this.#jumps.jump(() => this.#text.toStart()) : this.#jumps.toLine(count);
      case "end":
        return count === undefined ? this.#jumps.jump(() => this.toEnd()) : this.#jumps.toLine(count);
      case "percent":
        return this.#jumps.toPercent(count ?? 0);
      case "left":
        return this.#toColumn(this.#text.left - SIDE_STEP * times);
      case "right":
        return this.#toColumn(this.#text.left + SIDE_STEP * times);
      case "first-column":
        return this.#toColumn(0);
      case "follow":
        this.toggleFollow();
        return true;
      default:
        return false;
    }
  }

  #search(action: string, times: number): boolean {
    switch (action) {
      case "next-match":
        this.#walk.go("forward", times);
        return true;
      case "previous-match":
        this.#walk.go("backward", times);
        return true;
      case "ignore-case":
        this.#searching.toggleCase();
        return this.#say(this.#searching.ignoresCase ? "searches ignore case" : "searches mind case");
      case "mark":
        this.#awaited = "mark";
        return this.#say("mark: a letter");
      case "jump":
        this.#awaited = "jump";
        return this.#say("go to mark: its letter, or ' for where one was");
      case "range":
        return this.#toggleRange();
      case "cancel":
        this.#cancel();
        return true;
      default:
        return false;
    }
  }

  #turn(action: string, times: number): boolean {
    const text = this.#text;
    switch (action) {
      case "wrap":
        text.toggleWrap();
        return true;
      case "line-numbers":
        if (text.toggleNumbers()) this.#countLines();
        return true;
      case "levels":
        return this.#say(text.toggleLevels() ? "levels in colour" : "levels without colour");
      case "json":
        text.turnJson();
        return true;
      case "hex":
        text.setHex(!text.isHex);
        return true;
      case "encoding":
        return this.#say(`read as ${text.turnEncoding()}`);
      case "more-context":
      case "less-context":
        if (text.addContext(action === "more-context" ? times : -times)) return true;
        return this.#say("no filter: & and a regular expression show only lines that match");
      default:
        return false;
    }
  }

  /** Shows the last page; a paused follow goes on. */
  toEnd(): void {
    this.#text.toEnd();
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
    this.#endWaits();
    this.#jumps.goto(text);
  }

  /** A new search, from where one is. An empty pattern repeats the last one. */
  search(pattern: string, direction: Direction): void {
    if (pattern !== "") {
      try {
        this.#searching.set(pattern, this.#text.isHex ? "hex" : "text");
      } catch (error) {
        this.say(reasonOf(error));
        return;
      }
      this.#endWaits();
    }
    this.#walk.go(direction, 1);
  }

  /** Shows only lines that match, or with `!` in front those that do not; all lines again for an empty pattern. */
  setFilter(pattern: string): void {
    if (this.#text.isHex) {
      this.say("bytes cannot be filtered: x shows the text");
      return;
    }
    try {
      this.#text.setFilter(pattern);
    } catch (error) {
      this.say(reasonOf(error));
      return;
    }
    if (this.#follow === "on") this.#text.toEnd();
  }

  get filter(): string {
    return this.#text.filter?.pattern ?? "";
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
    this.#text.layOutAnew();
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
    this.#document.dropBefore(chain.start());
    this.#searching.at = undefined;
    this.#text.anchor = undefined;
    this.#growth.skipTo(chain.end());
    this.#drop(chain.start());
    this.#text.layOutAnew();
    this.#options.changed();
  }

  /** Another file goes on from here, from its offset `from`. `dropped` hears of descriptors that are read no more. */
  continueWith(
    file: Pick<ScreenFile, "fd" | "nextData">,
    from: number | undefined,
    text: string,
    dropped: (fds: number[]) => void,
  ): void {
    const { chain } = this.#document;
    if (!chain) return;
    chain.continueWith(file.fd, from ?? chain.offsetInFile(chain.end()), text, holesOf(file));
    this.#growth.skipTo(chain.end());
    const fds = chain.takeDropped();
    if (fds.length > 0) this.#drop(chain.start(), () => dropped(fds));
    this.#text.viewport.forget();
    this.#options.changed();
  }

  /** Bytes of the marked range, or of the lines on the screen, as they are in the file; through the filter, when there is one. */
  output(): Generator<Buffer> {
    return this.#text.output();
  }

  /** Where that is, in offsets of the document. `isMarked`: one has marked it. */
  range(): ByteRange & { isMarked: boolean } {
    return this.#text.range();
  }

  /** The rows of the pane and what the status tells of them, from one look at the source. */
  frame(): { rows: string[]; status: ViewerStatus } {
    this.#look();
    const { rows, places } = this.#text.frame(this.#follow === "on");
    while (rows.length < this.#height) rows.push("");
    return { rows, status: this.#status(places) };
  }

  /** Resolves when no thread reads the source any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#jumps.close();
    this.#endWaits();
    await this.#changes;
    const { scan } = this.#document.index;
    await Promise.all([this.#searching.close(), this.#text.filter?.pause(), this.#text.ended(), scan.cancel()]);
  }

  /** Once a frame: what has the source become? */
  #look(): void {
    const { scan } = this.#document.index;
    const change = this.#document.look();
    if (change === "cut" && this.#document.chain && !this.isFollowed)
      this.truncated("the file was truncated: this is its new beginning");
    if (change === "grown") {
      this.#text.viewport.forget();
      this.#searching.grown();
      this.#text.filter?.grown();
      if (!scan.isCancelled) scan.go();
    }
    const isSmall = this.#document.source.end() < COUNTED_AT_ONCE;
    if (this.#isReady && scan.isCancelled && !this.#indexEnded && isSmall) scan.go();
    if (this.#growth.look(Date.now())) this.#options.changed();
  }

  #countLines(): void {
    this.#indexEnded = false;
    this.#document.index.scan.go();
  }

  /** More is known: of a filter's lines, of numbers. */
  #known(): void {
    this.#text.viewport.forget();
    const failure = this.#text.filter?.failure;
    if (failure !== undefined) this.#message = failure;
    this.#options.changed();
  }

  #scroll(rows: number): true {
    const { viewport } = this.#text;
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
    this.#text.toColumn(column);
    if (this.#text.isWrapped && column > 0) return this.#say("long lines are wrapped: w cuts them");
    return true;
  }

  #say(message: string): true {
    this.say(message);
    return true;
  }

  #toggleRange(): true {
    const text = this.#text;
    text.anchor = text.anchor === undefined ? text.viewport.top.line : undefined;
    if (text.anchor === undefined) return this.#say("no range");
    return this.#say("the range begins here and ends with the screen's last line: scroll; R ends it");
  }

  #cancel(): void {
    const { scan } = this.#document.index;
    const wasSearching = this.#endWaits();
    const wasCounting = this.#searching.cancel();
    if (wasSearching || wasCounting) this.say("search cancelled");
    else if (this.#text.filter?.cancel()) this.say("filter cancelled: this is not all");
    else if (scan.isRunning) {
      this.#indexEnded = true;
      void scan.cancel();
      this.say("counting cancelled");
    } else if (this.#text.anchor !== undefined) this.#text.anchor = undefined;
    else this.#searching.isHidden = true;
  }

  /** One goes elsewhere. True when a search was on its way. */
  #endWaits(): boolean {
    const wasTiming = this.#jumps.end();
    return this.#walk.end() || wasTiming;
  }

  /** Beside the last hit while that is on the screen; else from the first line of the screen. */
  #searchStart(direction: Direction): number {
    const { viewport, space, isHex } = this.#text;
    const { at } = this.#searching;
    const shownLine = at === undefined ? undefined : space.at(at);
    if (at === undefined || !viewport.visible().some(({ line }) => line === shownLine)) return viewport.top.line;
    if (direction === "backward") return at;
    return isHex ? at + 1 : this.#text.endOf(at);
  }

  /** What was before `start` is gone: forgets it while nothing reads the source. */
  #drop(start: number, dropped: () => void = () => undefined): void {
    this.#changes = this.#changes.then(async () => {
      const { scan } = this.#document.index;
      const { filter } = this.#text;
      const counts = !scan.isCancelled;
      const [search, filtering] = await Promise.all([this.#searching.pause(), filter?.pause(), scan.cancel()]);
      await this.#text.ended();
      this.#document.dropBefore(start);
      this.#searching.dropBefore(start);
      filter?.dropBefore(start);
      dropped();
      if (this.#closed) return;
      if (counts) scan.go();
      search();
      filtering?.();
      this.#options.changed();
    });
  }

  #status(places: readonly Place[]): ViewerStatus {
    const { source, chain, index } = this.#document;
    const { viewport, isHex, left, filter, ways } = this.#text;
    const end = source.end();
    const [first, last] = [places[0], places.at(-1)];
    const top = viewport.top.line;
    const bottom = last === undefined ? end : this.#text.endOf(last.line);
    this.#unread = end - bottom;
    return {
      mode: isHex ? "hex" : "text",
      follow: this.#follow,
      news: this.#growth.lines - this.#pausedAt,
      rate: this.#growth.rate,
      picture: this.#growth.picture,
      top: chain?.offsetInFile(top) ?? top,
      length: chain?.fileEnd(top) ?? end,
      bottom,
      end,
      start: source.start(),
      isDropping: this.#document.isStream && source.start() > 0,
      line: isHex || !first ? undefined : this.#document.lineNumber(first.line),
      left,
      search: this.#searching.status,
      filter: filter?.status,
      index: index.scan.isRunning && !index.scan.isComplete ? index.scan.progress : undefined,
      modes: ways,
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
