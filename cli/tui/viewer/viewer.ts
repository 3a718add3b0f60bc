import type { Position } from "../../../src/text/index.ts";
import type { Rectangle } from "../canvas/layout.ts";
import type { Action } from "../keymap/keymap.ts";
import type { HistogramState } from "../view/histogram.ts";
import { endWaits } from "./cancelling.ts";
import { currentStatus, type Extent, extentOf, shownPart } from "./current-status.ts";
import { Document } from "./document/document.ts";
import { Growth } from "./document/growth.ts";
import { LineCounting } from "./document/line-counting.ts";
import { emptyRows } from "./empty-rows.ts";
import { FollowMode, type FollowState } from "./follow/follow-mode.ts";
import { SourceChanges } from "./follow/source-changes.ts";
import { histogramState } from "./histogram-state.ts";
import { PatternPrompt } from "./pattern-prompt.ts";
import type { Awaited } from "./positions/bookmarks.ts";
import { Jumps } from "./positions/jumps.ts";
import { screenEdge, searchStart } from "./positions/search-start.ts";
import type { FoundMatch } from "./positions/start-position.ts";
import type { ByteRange } from "./rows/range.ts";
import { ViewerText } from "./rows/viewer-text.ts";
import { MatchWalk } from "./search/match-walk.ts";
import { Searching } from "./search/searching.ts";
import { performAction } from "./viewer-actions.ts";
import type { ViewerParts } from "./viewer-parts.ts";
import type { ViewerOptions, ViewerStatus } from "./viewer-types.ts";

/** Prompts that ask for the name of a mark. */
const NAME_ASKED: Readonly<Record<Awaited, string>> = {
  mark: "mark: a letter",
  jump: "jump to mark: its letter, or ' for the position before the last jump",
};

/** The content of a viewer's frame. */
export interface ViewerFrame {
  rows: string[];
  /** Returns the status of these rows. Valid until the next event. */
  status(): ViewerStatus;
  message: string;
  /** The visible part of the text, as fractions from 0 to 1. */
  shown: { from: number; to: number };
  /** For each row of the scroll bar, whether that part of the text has matches. */
  ticks: Uint8Array | undefined;
}

/** The viewer, independent of a terminal. It receives actions, and returns rows and a status. */
export class Viewer {
  readonly #options: ViewerOptions;
  readonly #document: Document;
  readonly #growth: Growth;
  readonly #parts: ViewerParts;
  /** Receives the changes that the follower or reader of the source reports. */
  readonly changes: SourceChanges;
  /** Receives the patterns that the user types. */
  readonly prompt: PatternPrompt;
  #columns = 80;
  #height = 22;
  /** The meaning of the next key; set while that key is the name of a mark. */
  #awaited: Awaited | undefined;
  /** Typed digits. */
  #count = "";
  #message = "";
  #unread = 0;
  /** The visible part of the text in the last frame. */
  #shown = { from: 0, to: 1 };

  constructor(options: ViewerOptions) {
    this.#options = options;
    const changed = () => options.changed();
    const known = () => this.#known();
    const say = (message: string) => this.say(message);
    const document = new Document(options.content, known);
    const searching = new Searching(document, changed);
    const growth = new Growth(document, Date.now(), () =>
      this.#parts.text.isFilling ? Number.POSITIVE_INFINITY : (options.newFrom?.() ?? 0),
    );
    const text = new ViewerText(document, searching, options, known);
    const counting = new LineCounting(document);
    const following = new FollowMode(text, growth, { canFollow: options.canFollow, say });
    const jumps = new Jumps(document, text, {
      zone: options.zone,
      toEnd: () => following.toEnd(),
      moved: () => following.moved(),
      countLines: () => counting.go(),
      say,
      changed,
    });
    const walk = new MatchWalk(searching, {
      start: (direction, isBeyondScreen) =>
        isBeyondScreen ? screenEdge(text, direction) : searchStart(text, searching, direction),
      isShown: (hit) => text.isHex || text.space.at(hit) === hit,
      endOf: (hit) => (text.isHex ? hit + 1 : text.endOf(hit)),
      show: (hit) => {
        this.#message = "";
        jumps.jump(() => text.showMatch(hit));
      },
      say,
      changed,
      keyOf: options.keyOf,
    });
    this.#document = document;
    this.#growth = growth;
    this.#parts = { text, searching, walk, jumps, following, counting, say, keyOf: options.keyOf };
    this.changes = new SourceChanges(document, { text, searching, counting, growth }, changed);
    this.prompt = new PatternPrompt(this.#parts, changed);
    if (options.hex) text.setHex(true);
  }

  /** True if the histogram is shown whenever there is room. */
  get hasHistogram(): boolean {
    const { text } = this.#parts;
    return text.hasHistogram && !text.isHex;
  }

  /** Returns the histogram for this rectangle, with the current position. */
  histogram(rectangle: Rectangle): HistogramState {
    const { text } = this.#parts;
    return histogramState(
      text.levelsOverTime.of(rectangle.width),
      text.viewport.top.line,
      rectangle,
      this.#options.keyOf,
    );
  }

  /** Shows the text of a column of the histogram. `isJump`: remembers the position before. */
  showBar(column: number, columns: number, isJump: boolean): void {
    endWaits(this.#parts);
    const { text, jumps, following } = this.#parts;
    const bar = text.levelsOverTime.of(columns)?.histogram.bars[column];
    if (!bar) return;
    if (isJump) jumps.jump(() => text.show(bar.at));
    else {
      text.show(bar.at);
      following.moved();
    }
  }

  get follow(): FollowState {
    return this.#parts.following.state;
  }

  /** True if the status changes with the next second. */
  get isMoving(): boolean {
    return this.#parts.following.isOn && this.#growth.isMoving;
  }

  /** True if the file's length differs from that of the last frame. */
  get hasChanged(): boolean {
    return this.#document.source.end() !== this.#document.knownEnd;
  }

  /** Number of bytes below the screen in the last frame. */
  get unread(): number {
    return this.#unread;
  }

  resize(columns: number, height: number): void {
    this.#columns = columns;
    this.#height = height;
    this.#parts.text.resize(columns, height);
  }

  /** Handles digits and names of marks, before the key table. True if it handled the key. */
  key(key: string): boolean {
    const awaited = this.#awaited;
    this.#awaited = undefined;
    if (awaited) {
      this.#message = "";
      if (key !== "escape") this.#parts.jumps.named(awaited, key);
      return true;
    }
    if (!/^\d$/.test(key) || (key === "0" && this.#count === "")) return false;
    if (this.#count.length < 15) this.#count += key;
    return true;
  }

  /** Runs an action. False if the viewer does not have the action. */
  act(action: Action): boolean {
    const count = this.#count === "" ? undefined : Number(this.#count);
    this.#count = "";
    if (action === "mark" || action === "jump") {
      this.#awaited = action;
      this.say(NAME_ASKED[action]);
      return true;
    }
    const options = { count, page: Math.max(1, this.#height - 1) };
    return this.#document.during(() => performAction(this.#parts, action, options));
  }

  /** Shows the last page and resumes a paused follow. */
  toEnd(): void {
    this.#parts.following.toEnd();
  }

  toggleFollow(): void {
    this.#parts.following.toggle();
  }

  /**
   * Scrolls to the fraction of the text that a row of the scroll bar represents. Its first and last
   * rows are the start and the end. `isJump`: remembers the position before.
   */
  scrollTo(row: number, isJump: boolean): void {
    endWaits(this.#parts);
    const { text, jumps, following } = this.#parts;
    const { from, to } = this.#shown;
    const part = (row + 0.5) / this.#height - (to - from) / 2;
    const move = () => {
      const { source } = this.#document;
      if (row <= 0 || part <= 0) text.toStart();
      else if (row >= this.#height - 1 || part + to - from >= 1) following.toEnd();
      else text.show(source.start() + Math.floor((source.end() - source.start()) * part));
    };
    if (isJump) jumps.jump(move);
    else {
      move();
      following.moved();
    }
  }

  /** Goes to a destination typed after `:`. Reports an invalid destination. */
  goto(text: string): void {
    endWaits(this.#parts);
    this.#parts.jumps.goto(text);
  }

  /**
   * Shows a match that ripgrep has found, and searches for its pattern from that match on. If the
   * file has changed meanwhile, shows the line of the same number.
   */
  showFound({ line, offset, head, pattern }: FoundMatch): void {
    const { searching, text, jumps } = this.#parts;
    const { cache, lines } = this.#document;
    const isThere = lines.beginsLine(offset) && cache.slice(offset, offset + head.length).equals(head);
    if (isThere) jumps.jump(() => text.show(offset));
    else jumps.toLine(line);
    // Ignores patterns that only ripgrep's syntax has.
    if (text.isHex || this.prompt.refusal(pattern) !== undefined) return;
    searching.set(pattern, "text");
    searching.count(isThere ? offset : undefined);
    if (isThere) text.showMatch(offset);
  }

  say(message: string): void {
    this.#message = message;
    this.#options.changed();
  }

  clearMessage(): void {
    this.#message = "";
  }

  /** Discards layouts with estimated widths, because exact widths are available. */
  layOutAnew(): void {
    this.#parts.text.layOutAnew();
  }

  /** Called a moment after the viewer was opened: background work may then start. */
  ready(): void {
    this.#parts.counting.ready();
    this.#options.changed();
  }

  /**
   * Returns the bytes of the marked range, or of the visible lines, as they are in the file. With a
   * filter, returns only visible lines.
   */
  output(): Generator<Buffer> {
    return this.#parts.text.output();
  }

  /**
   * Returns the offsets of these bytes in the document. `isMarked`: the user has marked the range.
   */
  range(): ByteRange & { isMarked: boolean } {
    return this.#parts.text.range();
  }

  /**
   * Returns the visible rows, their status and the message, from one observation of the source.
   * `wantsTicks` adds the ticks of the scroll bar.
   */
  frame(wantsTicks = false): ViewerFrame {
    this.changes.look();
    return this.#document.during(() => this.#frame(wantsTicks), this.#document.knownEnd);
  }

  #frame(wantsTicks: boolean): ViewerFrame {
    const { text, following } = this.#parts;
    const { rows, positions } = text.frame(following.isOn);
    if (positions.length === 0) rows.push(...emptyRows(this.#document, this.#parts, this.#options, this.#columns));
    while (rows.length < this.#height) rows.push("");
    const extent = extentOf(this.#document, this.#parts, positions);
    const [first, last] = [positions[0], positions.at(-1)];
    this.#unread = last === undefined ? 0 : extent.end - text.endOf(last.line);
    const { searching } = this.#parts;
    this.#shown = shownPart(extent, first ? text.shownFrom(first) : extent.start);
    return {
      rows,
      status: () => this.#document.during(() => this.#status(extent, first), extent.end),
      message: this.#message,
      shown: this.#shown,
      ticks: wantsTicks ? searching.ticks(this.#height) : undefined,
    };
  }

  #status(extent: Extent, first: Position | undefined): ViewerStatus {
    return { ...currentStatus(this.#document, this.#growth, this.#parts, { extent, first }), count: this.#count };
  }

  /** Lays out the next page before its key is pressed. */
  prepare(): void {
    this.#document.during(() => this.#parts.text.prepareNextPage());
  }

  /** Resolves once no thread reads the source. */
  async close(): Promise<void> {
    const { jumps, searching, text, counting } = this.#parts;
    jumps.close();
    text.close();
    this.prompt.close();
    endWaits(this.#parts);
    await this.changes.close();
    await Promise.all([searching.close(), text.filter?.pause(), text.ended(), counting.pause()]);
  }

  /** Called when a filter's lines or line numbers change. */
  #known(): void {
    const { text } = this.#parts;
    text.viewport.forget();
    const failure = text.filter?.failure;
    if (failure !== undefined) this.#message = failure;
    this.#options.changed();
  }
}
