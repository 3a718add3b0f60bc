import { clipStart, clipText, safeWidth } from "../canvas/text-width.ts";

/** A part of a cell. The table sanitises its text. */
export interface StyledSegment {
  text: string;
  /** SGR parameters, such as `1;36`; plain if undefined. */
  style?: string | undefined;
}

export type Cell = string | StyledSegment | readonly StyledSegment[];

export interface Column<Item> {
  title: string;
  /** Identifies the column in a click on its title; undefined if a click has no effect. */
  id?: string;
  /** Sort mark in one column after the title. */
  mark?(): string;
  cell(item: Item): Cell;
  align?: "right";
  /** Truncates the start of longer cells, whose end says more. */
  keepsEnd?: boolean;
  /**
   * Minimum width in columns, for cells whose text comes later: without it, other columns would
   * move or disappear then. 0 for none.
   */
  minWidth?(): number;
  /** Maximum width in columns; longer cells are truncated. */
  maxWidth?: number;
  /** Maximum width as a share of the table's width. */
  share?: number;
  /** Hides the column while all its cells are empty. */
  isOptional?: boolean;
  /**
   * Gives the column the remaining width, at least this number of columns; `true` means
   * {@link MIN_REST}. At most one column of a table has this option.
   */
  rest?: true | number;
  /**
   * Width that the column with `rest` has if its cells need it: {@link Column.shrinksTo} makes room
   * for it. By default its minimum.
   */
  restWanted?: number;
  /** Minimum width of a column that gives room to the column with `rest`. */
  shrinksTo?: number;
  /**
   * Order of omission if there is no room: the highest number first. Columns without it always
   * stay.
   */
  dispensable?: number;
  /** Replaces {@link dispensable} while all cells of the column are empty. */
  dispensableEmpty?: number;
}

/** Columns between two columns of the table. */
const GAP = 2;

/** Minimum width of the column with {@link Column.rest}. Below it, other columns are omitted. */
const MIN_REST = 20;

/** Minimum width of a column with {@link Column.share}. */
const MIN_SHARE = 12;

/**
 * Formats rows of exactly `width` columns. Columns of the table only become wider, so that they do
 * not jump during scrolling.
 */
export class Table<Item> {
  readonly #columns: readonly Column<Item>[];
  /** The width of each column; 0 for an optional column without text so far. */
  readonly #widths: number[] = [];
  /** Indexes of the columns that have had text. */
  readonly #used = new Set<number>();
  /** Indexes of the columns in the last frame. */
  #shown: readonly number[] = [];

  constructor(columns: readonly Column<Item>[]) {
    this.#columns = columns;
    this.reset();
  }

  /** Replaces the list: resets the column widths. */
  reset(): void {
    this.#used.clear();
    this.#columns.forEach((column, index) => {
      this.#widths[index] = column.isOptional ? 0 : titleWidth(column);
    });
  }

  /** Returns the title row, and one row for each item. Computes each cell once. */
  rows(items: readonly Item[], width: number, style: { title: string }): { title: string; rows: string[] } {
    const cells = items.map((item) => this.#columns.map((column) => segmentsOf(column.cell(item))));
    for (const row of cells) {
      row.forEach((segments, index) => {
        const { maxWidth = Number.POSITIVE_INFINITY, title = "", mark } = this.#columns[index] ?? {};
        const wanted = Math.min(maxWidth, widthOf(segments));
        if (wanted === 0) return;
        this.#used.add(index);
        this.#widths[index] = Math.max(this.#widths[index] ?? 0, titleWidth({ title, mark }), wanted);
      });
    }
    this.#columns.forEach(({ minWidth }, index) => {
      this.#widths[index] = Math.max(this.#widths[index] ?? 0, minWidth?.() ?? 0);
    });
    const shown = this.#fit(width);
    this.#shown = shown;
    const titles = this.#columns.map(({ title, mark }) => [{ text: title + (mark?.() ?? ""), style: style.title }]);
    return {
      title: layOut(this.#columns, shown, titles, width),
      rows: cells.map((row) => layOut(this.#columns, shown, row, width)),
    };
  }

  /** Returns the column whose title is at this offset of a row, from 0. */
  columnAt(offset: number): Column<Item> | undefined {
    let end = 0;
    return this.#columns.find((_, index) => {
      const width = this.#shown[index] ?? 0;
      if (width === 0) return false;
      // The gap after a column is part of the column.
      end += width + GAP;
      return offset < end;
    });
  }

  /** Computes the widths of the columns that fit; 0 for omitted columns. */
  #fit(width: number): number[] {
    const shown = this.#columns.map(({ rest, share = 1 }, index) =>
      rest ? 0 : Math.min(this.#widths[index] ?? 0, Math.max(MIN_SHARE, Math.floor(share * width))),
    );
    const rest = this.#columns.findIndex((column) => column.rest);
    const wanted = this.#columns[rest]?.rest;
    const minRest = typeof wanted === "number" ? wanted : MIN_REST;
    let minimum = rest === -1 ? 0 : minRest;
    const used = () => shown.reduce((sum, one) => sum + (one > 0 ? one + GAP : 0), 0);
    // Columns shrink before others are omitted.
    const spare = this.#columns.reduce(
      (sum, { shrinksTo }, index) => sum + (shrinksTo === undefined ? 0 : Math.max(0, (shown[index] ?? 0) - shrinksTo)),
      0,
    );
    const order = this.#columns
      .map(({ dispensable = 0, dispensableEmpty = dispensable }, index) => ({
        dispensable: this.#used.has(index) ? dispensable : dispensableEmpty,
        index,
      }))
      .filter(({ dispensable }) => dispensable > 0)
      .sort((a, b) => b.dispensable - a.dispensable);
    const fits = () => used() - spare + minimum <= width + (minimum === 0 ? GAP : 0);
    const omitted: { index: number; width: number }[] = [];
    for (const { index } of order) {
      if (fits()) break;
      if (index === rest) minimum = 0;
      else {
        omitted.unshift({ index, width: shown[index] ?? 0 });
        shown[index] = 0;
      }
    }
    const restWanted = Math.min(this.#columns[rest]?.restWanted ?? 0, this.#widths[rest] ?? 0);
    if (minimum > 0) minimum = Math.max(minimum, restWanted);
    // A narrow column may have room once a wide one is omitted.
    for (const { index, width: wanted } of omitted) {
      shown[index] = wanted;
      if (!fits()) shown[index] = 0;
    }
    this.#shrink(shown, used() - width + (minimum === 0 ? -GAP : minimum));
    if (minimum > 0) shown[rest] = Math.max(1, width - used());
    return shown;
  }

  /** Takes this number of columns from the columns that may shrink. */
  #shrink(shown: number[], count: number): void {
    let left = Math.max(0, count);
    this.#columns.forEach(({ shrinksTo }, index) => {
      const now = shown[index] ?? 0;
      const taken = shrinksTo === undefined ? 0 : Math.min(left, Math.max(0, now - shrinksTo));
      shown[index] = now - taken;
      left -= taken;
    });
  }
}

function layOut<Item>(
  columns: readonly Column<Item>[],
  widths: readonly number[],
  cells: readonly (readonly StyledSegment[])[],
  width: number,
): string {
  let text = "";
  let used = 0;
  columns.forEach(({ align, keepsEnd }, index) => {
    const room = Math.min(widths[index] ?? 0, width - used - (used > 0 ? GAP : 0));
    if (room <= 0 || widths[index] === 0) return;
    const gap = " ".repeat(used > 0 ? GAP : 0);
    const segments = cells[index] ?? [];
    const cell = keepsEnd ? cutStart(segments, room) : cut(segments, room);
    const padding = " ".repeat(room - cell.width);
    text += gap + (align ? padding + cell.text : cell.text + padding);
    used += gap.length + room;
  });
  return text + " ".repeat(Math.max(0, width - used));
}

/** Truncates with an ellipsis, even if the text ends exactly between two segments. */
function cut(segments: readonly StyledSegment[], columns: number): { text: string; width: number } {
  const isCut = widthOf(segments) > columns;
  let text = "";
  let width = 0;
  for (const segment of segments) {
    const left = columns - width;
    const isLast = isCut && safeWidth(segment.text) >= left;
    const piece = clipText(isLast ? `${segment.text} ` : segment.text, left);
    text += paint(piece.text, segment.style);
    width += piece.width;
    if (isLast) break;
  }
  return { text, width };
}

/** Truncates the start with an ellipsis. */
function cutStart(segments: readonly StyledSegment[], columns: number): { text: string; width: number } {
  let text = "";
  let width = 0;
  for (const segment of segments.toReversed()) {
    if (width >= columns) break;
    const piece = clipStart(segment.text, columns - width);
    text = paint(piece.text, segment.style) + text;
    width += piece.width;
  }
  return { text, width };
}

/**
 * Draws a {@link paint}ed row in a selection's style. Keeps colours that the selection does not
 * set. Removes dim in reverse video, where it is hard to read.
 */
export function paintOver(row: string, style: string): string {
  if (style === "") return row;
  const isReverse = parameters(style).includes("7");
  const over = row.replace(/\x1b\[([0-9;]*)m/g, (_, own: string) => {
    const kept = parameters(own).filter((one) => !(isReverse && one === "2"));
    return `\x1b[${[own === "" ? "0" : "", ...kept, style].filter(Boolean).join(";")}m`;
  });
  return `\x1b[${style}m${over}\x1b[m`;
}

/** Splits an SGR style into parameters. Keeps sequences such as `38;5;1` together. */
function parameters(style: string): string[] {
  return style.match(/[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+/g) ?? [];
}

/** Always reserves room for the mark, so that column widths stay constant. */
function titleWidth({ title, mark }: { title: string; mark?: (() => string) | undefined }): number {
  return safeWidth(title) + (mark === undefined ? 0 : 1);
}

/** Text in a style, followed by a reset. */
export function paint(text: string, style: string | undefined): string {
  return style && text !== "" ? `\x1b[${style}m${text}\x1b[m` : text;
}

function segmentsOf(cell: Cell): readonly StyledSegment[] {
  if (typeof cell === "string") return [{ text: cell }];
  return "text" in cell ? [cell] : cell;
}

function widthOf(segments: readonly StyledSegment[]): number {
  return segments.reduce((sum, { text }) => sum + safeWidth(text), 0);
}
