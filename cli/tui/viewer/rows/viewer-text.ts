import { HexRows, hexBytesFor, type LineSpace, type Position, Viewport } from "../../../../src/text/index.ts";
import { Gutter } from "../../canvas/gutter.ts";
import type { LevelLooks } from "../../canvas/line-text.ts";
import type { Document } from "../document/document.ts";
import { firstSource } from "../document/source-here.ts";
import type { LineSource } from "../document/sources.ts";
import { LevelHistogram } from "../levels/level-histogram.ts";
import type { Filtering } from "../search/filtering.ts";
import type { Searching } from "../search/searching.ts";
import { DisplayModes, ENCODING_NAMES, nextEncoding } from "./display-modes.ts";
import { EncodingTurn } from "./encoding-turn.ts";
import { hexPaneRow } from "./hex-pane.ts";
import { JsonFolding } from "./json-folding.ts";
import { columnsBeyond, offsetOfRow, positionOfMatch, rowOfOffset } from "./match-place.ts";
import { Pane, type PaneView } from "./pane.ts";
import { bytesOf, isShortPage, linesOf, type MarkedRange, markedRange } from "./range.ts";
import { Sideways } from "./sideways.ts";
import { SteadyMatch } from "./steady-match.ts";
import type { TextLooks } from "./text-looks.ts";
import { VisibleLines } from "./visible-lines.ts";

/** A document and its display: the visible lines, their rows, and the scroll position. */
export class ViewerText {
  readonly viewport: Viewport;
  readonly modes = new DisplayModes();
  readonly #document: Document;
  readonly #searching: Searching;
  readonly #colours: "pass" | "drop";
  readonly #levelLooks: LevelLooks;
  readonly #pane: Pane;
  readonly #gutter = new Gutter();
  readonly visibleLines: VisibleLines;
  readonly levelsOverTime: LevelHistogram;
  readonly #folding: JsonFolding;
  /** True if the histogram is shown whenever there is room. */
  hasHistogram = false;
  #hex: HexRows | undefined;
  #columns = 80;
  readonly #sideways = new Sideways();
  readonly #steady: SteadyMatch;
  /** The position after the last change of the display, and the offset that it keeps in the top row. */
  #kept: { top: Position; offset: number } | undefined;
  readonly #encodingTurn = new EncodingTurn();
  /** Resolves once cancelled filters and counts no longer read. */
  #ending: Promise<void> = Promise.resolve();
  /** Start of the marked range, in the document. */
  anchor: number | undefined;
  /** True if the end is shown once it is known. */
  isEndWanted = false;
  /** True while the document is being decompressed: its end is not known yet. */
  isFilling = false;

  /** `changed` is called when the displayed text changes. */
  constructor(
    document: Document,
    searching: Searching,
    { colours, levelLooks, sources = [] }: TextLooks,
    changed: () => void,
  ) {
    this.#document = document;
    this.#searching = searching;
    this.#colours = colours;
    this.#levelLooks = levelLooks;
    this.#folding = new JsonFolding(document, this.modes);
    this.visibleLines = new VisibleLines(document, searching, sources, {
      top: () => this.viewport.top.line,
      folded: () => this.#folding.lines(this.visibleLines),
      replacing: (replace) =>
        this.#keep(() => {
          replace();
          this.#pane.clear();
          this.#reshape();
        }),
      ending: (work) => this.#end(work),
      changed,
    });
    this.levelsOverTime = new LevelHistogram(document, changed);
    this.#folding.foldByItself(this.visibleLines);
    searching.findFolded(this.#folding.lines(this.visibleLines));
    this.#pane = new Pane(document, this.#view(0));
    this.viewport = new Viewport(document.lines, (line) => this.#rowsIn(line));
    this.#steady = new SteadyMatch({
      viewport: this.viewport,
      match: () => searching.shownAt,
      positionOf: (match) => positionOfMatch(this, this.#pane, match),
      hasColumnsOf: (match) => columnsBeyond(this, this.#pane, match) === undefined,
      showColumnsOf: (match) => {
        this.#sideways.restore();
        const columns = columnsBeyond(this, this.#pane, match);
        if (columns) this.#sideways.shiftTo(columns.from - Math.floor(this.#pane.width / 2));
      },
      isIncomplete: () => this.filter?.status.isRunning === true,
    });
  }

  /** The filter, while some lines are hidden. */
  get filter(): Filtering | undefined {
    return this.visibleLines.filter;
  }

  get isHex(): boolean {
    return this.#hex !== undefined;
  }

  /** Columns that are scrolled out at the left; 0 for wrapped lines. */
  get left(): number {
    return this.#sideways.left(this);
  }

  get isWrapped(): boolean {
    return this.modes.wrap && !this.isHex;
  }

  get space(): LineSpace {
    return this.#hex ?? this.filter?.lines ?? this.#document.lines;
  }

  /** Names of the display modes that differ from the default. */
  get ways(): string[] {
    const filling = this.isFilling ? ["decompressing"] : [];
    return [...filling, ...this.modes.names(this.#document.encoding, this.isHex)];
  }

  resize(columns: number, height: number): void {
    this.#keep(() => {
      this.#columns = columns;
      if (this.#hex) this.#hex = new HexRows(this.#document.source, hexBytesFor(columns));
      this.#reshape(height);
    });
  }

  /** Wrapped lines do not scroll sideways. */
  toColumn(column: number): void {
    this.#sideways.toColumn(column, this);
  }

  toggleWrap(): void {
    this.#keep(() => {
      this.modes.wrap = !this.modes.wrap;
      this.#reshape();
    });
  }

  turnJson(): void {
    this.#keep(() => {
      this.modes.turnJson();
      this.#foldedChanged();
    });
  }

  /** Called when the text has grown: its first lines may be JSON, or a source may have appeared. */
  grown(): void {
    this.visibleLines.grown();
    const before = this.#folding.lines(this.visibleLines);
    this.#folding.foldByItself(this.visibleLines);
    if (this.#folding.lines(this.visibleLines) !== before) this.#keep(() => this.#foldedChanged());
  }

  #foldedChanged(): void {
    this.#searching.findFolded(this.#folding.lines(this.visibleLines));
    this.visibleLines.foldedChanged();
    this.#reshape();
  }

  setHex(on: boolean): void {
    this.#keep(() => {
      if (on && !this.#hex) this.#sideways.resetHex();
      this.#hex = on ? new HexRows(this.#document.source, hexBytesFor(this.#columns)) : undefined;
      this.#searching.turn(on ? "hex" : "text");
      this.#reshape();
      if (this.viewport.top.line <= this.#document.mark) this.viewport.show(0);
    });
  }

  /** Switches to the next encoding. Returns its name. */
  turnEncoding(): string {
    const { index, encoding } = this.#document;
    const { line } = this.viewport.top;
    const original = this.#encodingTurn.originalOf(line);
    const next = nextEncoding(encoding);
    const wasCounting = !index.scan.isCancelled;
    this.visibleLines.drop();
    this.#end(this.#document.readAs(next));
    this.#searching.renew();
    if (wasCounting) this.#document.index.scan.go();
    this.visibleLines.apply();
    this.viewport.show(original);
    this.#encodingTurn.turned(this.viewport.top.line, original);
    return ENCODING_NAMES[next];
  }

  /**
   * Returns the source of the current line: the line of the visible match, or else the top line.
   */
  sourceHere(): LineSource | undefined {
    const { sources } = this.visibleLines;
    const lines = this.viewport.visible().map(({ line }) => line);
    const { at } = this.#searching;
    const hit = at === undefined ? undefined : lines.find((line) => line === at);
    return firstSource(hit === undefined ? lines : [hit], sources, (line, most) =>
      this.#document.cache.slice(line, Math.min(line + most, this.endOf(line))),
    );
  }

  toStart(): void {
    this.filter?.near(0);
    this.viewport.toStart();
  }

  toEnd(): void {
    this.filter?.near(this.#document.source.end(), "backward");
    this.isEndWanted = this.#isEndOpen;
    this.viewport.forget();
    this.viewport.toEnd();
  }

  /**
   * Scrolls so that row `row` of the line at `offset` is at the top; by default the row at `offset`
   * of a wrapped line.
   */
  show(offset: number, row?: number): void {
    this.filter?.near(offset);
    this.viewport.show(offset, 0, row);
    if (row === undefined && this.isWrapped && this.viewport.top.line < offset) this.#showInLine(offset);
  }

  /** Scrolls so that a match is visible. A wrapped line may be higher than the screen. */
  showMatch(hit: number): void {
    this.filter?.near(hit);
    this.#pane.show(this.#view(this.#gutter.width));
    const row = this.isHex ? 0 : this.#pane.rowOfMatch(hit);
    this.viewport.show(hit, 0, row < this.viewport.height ? 0 : row);
    const columns = columnsBeyond(this, this.#pane, hit);
    if (!columns) return;
    const { width } = this.#pane;
    this.toColumn(columns.to < width ? 0 : columns.from - Math.floor(width / 2));
  }

  /** Returns the end of the line that begins at `line`, with its newline. */
  endOf(line: number): number {
    const end = this.#document.source.end();
    return this.#hex ? Math.min(line + this.#hex.bytes, end) : (this.#document.lines.next(line) ?? end);
  }

  /** Returns the offset at which the visible text starts if this position is the top row. */
  shownFrom(top: Position): number {
    return top.row === 0 ? top.line : offsetOfRow(top, this.endOf(top.line), this.#rowsIn(top.line));
  }

  /**
   * Returns the offset up to which the text is visible if `last` is the bottom row. A row inside a
   * wrapped line counts as its fraction of the line.
   */
  shownUpTo({ line, row }: Position): number {
    const end = this.endOf(line);
    const rows = this.#rowsIn(line);
    if (row + 1 < rows) return offsetOfRow({ line, row: row + 1 }, end, rows);
    // The last known line of a filter ends at the position of its scan.
    const isKnown = this.isHex || this.filter === undefined || this.filter.status.progress === 1;
    return isKnown && this.space.next(line) === undefined ? this.#document.source.end() : end;
  }

  /** Discards all layouts, because exact widths are available or the encoding has changed. */
  layOutAnew(): void {
    this.#pane.clear();
    this.viewport.forget();
  }

  /** Returns the offsets of the marked range, or of the visible lines, in the document. */
  range(): MarkedRange {
    const last = this.viewport.visible().at(-1);
    const start = this.viewport.top.line;
    const end = last === undefined ? start : this.endOf(last.line);
    return markedRange({ start, end }, this.anchor, (line) => this.endOf(line));
  }

  /**
   * Yields the bytes of {@link range} as they are in the file. With a filter, yields only visible
   * lines.
   */
  *output(): Generator<Buffer> {
    const { source, chain } = this.#document;
    const notes = chain?.notes() ?? [];
    const filtered = this.isHex ? undefined : this.filter?.lines;
    if (filtered) yield* linesOf(source, filtered, this.range(), (line) => this.endOf(line), notes);
    else yield* bytesOf(source, this.range(), notes);
  }

  /** Returns the visible rows. `atEnd`: scrolls to the end first. */
  frame(atEnd: boolean): { rows: string[]; positions: Position[] } {
    const { source } = this.#document;
    const numbers = this.modes.numbers && !this.isHex ? this.#document.lineNumber(source.end()).number : 0;
    const view = this.#view(this.#gutter.fit({ numbers, isRanged: this.anchor !== undefined }));
    if (view.width !== this.#pane.width) this.#keep(() => this.#reshape());
    this.#pane.show(view);
    this.#steady.settle();
    if (atEnd || this.isEndWanted) this.viewport.toEnd();
    if (!this.#isEndOpen) this.isEndWanted = false;
    const positions = this.viewport.visible();
    const hex = this.#hex;
    const rows = hex
      ? positions.map(({ line }) => hexPaneRow(this.#document, this.#searching, hex, line, view))
      : this.#rowsAt(positions);
    if (this.#gutter.width === 0) return { rows, positions };
    const range = this.range();
    return { rows: rows.map((row, index) => this.#gutterOf(positions[index], range) + row), positions };
  }

  /**
   * Lays out the page below the screen in advance, so that its frame takes less time after the key.
   * Skips pages that may take longer than a frame.
   */
  prepareNextPage(): void {
    const isSlow = this.filter !== undefined || this.#searching.highlight?.isRisky === true;
    if (!this.isHex && !isSlow && isShortPage({ ...this.range(), start: this.viewport.top.line }))
      this.#rowsAt(this.viewport.below());
  }

  /**
   * Resolves once cancelled work no longer reads the source. The caller pauses the current filter.
   */
  ended(): Promise<void> {
    return this.#ending;
  }

  /** Cancels all work. Nothing reads the document afterwards. */
  close(): void {
    this.visibleLines.facets.counts.close();
    this.levelsOverTime.close();
  }

  /** True while a filter or a decompression may add text at the end. */
  get #isEndOpen(): boolean {
    return this.isFilling || this.filter?.status.isRunning === true;
  }

  #rowsAt(positions: readonly Position[]): string[] {
    const notes = this.#document.chain?.notes() ?? [];
    return this.#pane.rows(positions, notes, (line) => this.filter?.isAside(line) ?? false);
  }

  #rowsIn(line: number): number {
    return this.isHex ? 1 : this.#pane.rowsIn(line);
  }

  #view(gutter: number): PaneView {
    return {
      left: this.left,
      width: Math.max(1, this.#columns - gutter),
      colours: this.#colours,
      wrap: this.modes.wrap,
      json: this.modes.json,
      folded: this.#folding.lines(this.visibleLines),
      levels: this.modes.levels ? this.#levelLooks : undefined,
      highlight: this.#searching.highlight,
    };
  }

  /** Changes the display. Keeps the current match on the screen, or else what is in the top row. */
  #keep(change: () => void): void {
    const { viewport } = this;
    this.#steady.during(() => {
      const offset = this.#kept?.top === viewport.top ? this.#kept.offset : this.shownFrom(viewport.top);
      change();
      if (viewport.top.line !== offset) this.#showInLine(offset);
      this.#kept = { top: viewport.top, offset };
    });
  }

  /** Shows the row of a wrapped line with the byte at `offset`, the reverse of {@link shownFrom}. */
  #showInLine(offset: number): void {
    const line = this.space.at(offset);
    if (line === undefined || line > offset || this.endOf(line) <= offset) return;
    this.viewport.show(line, 0, rowOfOffset(offset, line, this.endOf(line), this.#rowsIn(line)));
  }

  /** Keeps the top line in place after a change of the display. */
  #reshape(height = this.viewport.height): void {
    this.#pane.show(this.#view(this.#gutter.width));
    this.viewport.reshape(this.space, (line) => this.#rowsIn(line), height);
  }

  #gutterOf(position: Position | undefined, range: MarkedRange): string {
    if (!position) return "";
    const { line, row } = position;
    const { lines, chain } = this.#document;
    const isNote = chain?.notes().some(({ at, end }) => line >= at && line < end) ?? false;
    const hasNumber = this.modes.numbers && !this.isHex && row === 0 && !isNote && lines.beginsLine(line);
    const number = hasNumber ? this.#document.lineNumber(line) : undefined;
    return this.#gutter.row(number, range.isMarked && line >= range.start && line < range.end);
  }

  #end(work: Promise<unknown>): void {
    // Without its results, which hold the scan of each earlier filter.
    this.#ending = Promise.all([this.#ending, work]).then(() => undefined);
  }
}
