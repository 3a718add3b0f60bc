import { type ByteSource, compilePattern, type Pattern } from "../../src/text/index.ts";
import { Document } from "./document.ts";
import type { Action } from "./keymap.ts";

/** Columns that one press of Left or Right moves; a tab stop. */
const SIDE_STEP = 8;

/** Actions after which the result of a search that is still running would come as a surprise. */
const MOVES: ReadonlySet<Action> = new Set<Action>([
  "line-down",
  "line-up",
  "page-down",
  "page-up",
  "half-page-down",
  "half-page-up",
  "start",
  "end",
  "follow",
]);

type Direction = "forward" | "backward";

export type FollowState = "off" | "on" | "paused";

/** What the status row tells. */
export interface ViewerStatus {
  follow: FollowState;
  /** Byte offsets: of the first line on the screen, after the last one, and the end of the text. */
  top: number;
  bottom: number;
  end: number;
  /** Lowest byte that is still there; above 0 when a stream's beginning was dropped. */
  start: number;
  left: number;
  /** Position of a running search. */
  searching: number | undefined;
  /** One line for the user, empty when there is none. Made safe where it is drawn. */
  message: string;
}

export interface ViewerOptions {
  source: ByteSource;
  colours: "pass" | "drop";
  /** False where there is nothing to follow with. */
  canFollow: boolean;
  /** Something changed that a frame should show. */
  changed(): void;
}

/** The viewer without a terminal: actions in, rows and status out. */
export class Viewer {
  readonly #options: ViewerOptions;
  #document: Document;
  #columns = 80;
  #height = 22;
  #left = 0;
  #follow: FollowState = "off";
  #pattern: Pattern | undefined;
  /** The line that the last search found. */
  #match: number | undefined;
  #searching: number | undefined;
  /** Searches to do: `n` pressed three times goes three matches on. */
  #searches: Direction[] = [];
  #searchesRun: Promise<void> | undefined;
  /** Counts what ended searches: a result that was on its way then is not shown. */
  #searchEnds = 0;
  #message = "";
  #unread = 0;

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.#document = new Document(options.source);
  }

  get follow(): FollowState {
    return this.#follow;
  }

  /** Bytes there are below the screen, as of the last frame. */
  get unread(): number {
    return this.#unread;
  }

  resize(columns: number, height: number): void {
    this.#columns = columns;
    this.#height = height;
    this.#document.viewport.resize(height);
  }

  /** Does what a key of the viewer means. A move ends a search that would move somewhere else. True when it was one of the viewer's. */
  act(action: Action): boolean {
    const { viewport } = this.#document;
    if (MOVES.has(action)) this.#endSearches();
    const page = Math.max(1, this.#height - 1);
    switch (action) {
      case "line-down":
        return this.#scroll(1);
      case "line-up":
        return this.#scroll(-1);
      case "page-down":
        return this.#scroll(page);
      case "page-up":
        return this.#scroll(-page);
      case "half-page-down":
        return this.#scroll(Math.ceil(page / 2));
      case "half-page-up":
        return this.#scroll(-Math.ceil(page / 2));
      case "start":
        viewport.toStart();
        if (this.#follow === "on") this.#follow = "paused";
        return true;
      case "end":
        this.toEnd();
        return true;
      case "left":
        this.#left = Math.max(0, this.#left - SIDE_STEP);
        return true;
      case "right":
        this.#left += SIDE_STEP;
        return true;
      case "follow":
        this.toggleFollow();
        return true;
      case "next-match":
        this.#searchAgain("forward");
        return true;
      case "previous-match":
        this.#searchAgain("backward");
        return true;
      case "cancel":
        if (this.#endSearches()) this.#message = "search cancelled";
        return true;
      default:
        return false;
    }
  }

  /** Shows the last page; a paused follow goes on. */
  toEnd(): void {
    this.#document.viewport.toEnd();
    if (this.#follow === "paused") this.#follow = "on";
  }

  toggleFollow(): void {
    if (!this.#options.canFollow) {
      this.say("nothing to follow here: this is no file that grows");
      return;
    }
    this.#follow = this.#follow === "on" ? "off" : "on";
    if (this.#follow === "on") this.#document.viewport.toEnd();
  }

  /** A new search, from the first line on the screen. An empty pattern repeats the last one. */
  search(source: string): void {
    if (source !== "") {
      try {
        this.#pattern = compilePattern(source);
      } catch (error) {
        this.say(error instanceof Error ? error.message : String(error));
        return;
      }
      this.#match = undefined;
      this.#endSearches();
    }
    this.#searchAgain("forward");
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
    this.#document.pane.clear();
  }

  /** The source has more bytes. */
  grown(): void {
    if (this.#follow === "on") this.#document.viewport.toEnd();
    this.#options.changed();
  }

  /** The file was cut or written anew in place. */
  truncated(): void {
    this.#document.forget();
    this.#match = undefined;
    if (this.#follow === "on") this.#document.viewport.toEnd();
    this.say("the file was truncated: from its start again");
  }

  /** Shows another file from now on. Resolves when nothing reads the one before any more. */
  async replace(source: ByteSource, message: string): Promise<void> {
    const before = this.#document;
    this.#endSearches();
    this.#document = new Document(source);
    this.#document.viewport.resize(this.#height);
    if (this.#follow === "on") this.#document.viewport.toEnd();
    this.#match = undefined;
    this.say(message);
    await before.searcher.close();
  }

  /** The rows of the pane and what the status tells of them, from one look at the source. */
  frame(): { rows: string[]; status: ViewerStatus } {
    const { viewport, pane, lines, source } = this.#document;
    if (this.#document.refresh() && this.#message === "") this.#message = "the file was truncated";
    if (this.#follow === "on") viewport.toEnd();
    const offsets = viewport.visible();
    const rows = pane.rows(offsets, {
      left: this.#left,
      width: this.#columns,
      height: this.#height,
      colours: this.#options.colours,
      pattern: this.#pattern,
    });
    const last = offsets.at(-1);
    const end = source.end();
    const status: ViewerStatus = {
      follow: this.#follow,
      top: viewport.top,
      bottom: last === undefined ? end : (lines.next(last) ?? end),
      end,
      start: source.start(),
      left: this.#left,
      searching: this.#searching,
      message: this.#message,
    };
    this.#unread = status.end - status.bottom;
    return { rows, status };
  }

  /** Resolves when no thread reads the source any more. */
  async close(): Promise<void> {
    this.#searches = [];
    await this.#document.searcher.close();
  }

  #scroll(lines: number): boolean {
    const { viewport } = this.#document;
    viewport.scroll(lines);
    if (lines < 0 && this.#follow === "on" && !viewport.atEnd()) this.#follow = "paused";
    else if (lines > 0 && this.#follow === "paused" && viewport.atEnd()) this.#follow = "on";
    return true;
  }

  #searchAgain(direction: Direction): void {
    if (!this.#pattern) {
      this.say("no search yet: type / and a regular expression");
      return;
    }
    this.#searches.push(direction);
    this.#searchesRun ??= this.#runSearches();
  }

  /** True when a search was running. */
  #endSearches(): boolean {
    this.#searches = [];
    this.#searchEnds++;
    void this.#document.searcher.cancel();
    return this.#searchesRun !== undefined;
  }

  async #runSearches(): Promise<void> {
    for (let direction = this.#searches.shift(); direction; direction = this.#searches.shift()) {
      const pattern = this.#pattern;
      if (pattern) await this.#find(pattern, direction);
    }
    this.#searching = undefined;
    this.#searchesRun = undefined;
    this.#options.changed();
  }

  async #find(pattern: Pattern, direction: Direction): Promise<void> {
    const document = this.#document;
    const ends = this.#searchEnds;
    const progress = (position: number) => {
      this.#searching = position;
      this.#options.changed();
    };
    try {
      const from = this.#searchStart(direction);
      const outcome = await document.searcher.find(pattern, { from, direction }, progress);
      if (ends !== this.#searchEnds) return;
      if (outcome.kind === "found") this.#showMatch(outcome.line);
      if (outcome.kind === "none")
        this.say(`not found ${direction === "forward" ? "below" : "above"}: ${pattern.source}`);
    } catch (error) {
      this.say(`search failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Beside the last match while that is on the screen; else from the first line of the screen. */
  #searchStart(direction: Direction): number {
    const { viewport, lines } = this.#document;
    const match = this.#match;
    if (match === undefined || !viewport.visible().includes(match)) return viewport.top;
    return direction === "backward" ? match : (lines.next(match) ?? lines.end());
  }

  #showMatch(line: number): void {
    this.#match = line;
    this.#message = "";
    this.#document.viewport.show(line);
    if (this.#follow === "on" && !this.#document.viewport.atEnd()) this.#follow = "paused";
  }
}
