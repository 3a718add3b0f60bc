import { clipText, safeWidth } from "../canvas/text-width.ts";

/** A piece of a cell. Its text may be as it came: it is made safe here. */
export interface Segment {
  text: string;
  /** SGR parameters, such as `1;36`; plain without. */
  style?: string | undefined;
}

export type Cell = string | Segment | readonly Segment[];

export interface Column<Item> {
  title: string;
  cell(item: Item): Cell;
  align?: "right";
  /** Most columns of the screen; what is longer is cut. */
  most?: number;
  /** Takes what the others leave. One column of a table has it. */
  rest?: boolean;
  /** Goes first where there is no room: the higher the sooner. Columns without stay. */
  dispensable?: number;
}

/** Between two columns. */
const GAP = 2;

/** What the column that takes the rest is left with before others go. */
const LEAST_REST = 20;

/**
 * Rows of a table, each exactly `width` columns, and the widths of its columns, which only grow:
 * nothing jumps while one scrolls.
 */
export class Table<Item> {
  readonly #columns: readonly Column<Item>[];
  readonly #widths: number[];

  constructor(columns: readonly Column<Item>[]) {
    this.#columns = columns;
    this.#widths = columns.map(({ title }) => safeWidth(title));
  }

  /** Replaces the list: resets the column widths. */
  reset(): void {
    this.#columns.forEach(({ title }, index) => {
      this.#widths[index] = safeWidth(title);
    });
  }

  /** The row of titles, and one row for each item. Cells are laid out once. */
  rows(items: readonly Item[], width: number, style: { title: string }): { title: string; rows: Row[] } {
    const cells = items.map((item) => this.#columns.map((column) => segmentsOf(column.cell(item))));
    for (const row of cells) {
      row.forEach((segments, index) => {
        const most = this.#columns[index]?.most ?? Number.POSITIVE_INFINITY;
        this.#widths[index] = Math.max(this.#widths[index] ?? 0, Math.min(most, widthOf(segments)));
      });
    }
    const shown = this.#fit(width);
    const titles = this.#columns.map(({ title }) => [{ text: title, style: style.title }]);
    return {
      title: layOut(this.#columns, shown, titles, width).text,
      rows: cells.map((row) => layOut(this.#columns, shown, row, width)),
    };
  }

  /** Widths of the columns that fit, 0 for those that are left out. */
  #fit(width: number): number[] {
    const shown = this.#columns.map(({ rest }, index) => (rest ? 0 : (this.#widths[index] ?? 0)));
    const used = () => shown.reduce((sum, one) => sum + (one > 0 ? one + GAP : 0), 0);
    const order = this.#columns
      .map(({ dispensable = 0 }, index) => ({ dispensable, index }))
      .filter(({ dispensable }) => dispensable > 0)
      .sort((a, b) => b.dispensable - a.dispensable);
    for (const { index } of order) {
      if (used() + LEAST_REST <= width) break;
      shown[index] = 0;
    }
    const rest = this.#columns.findIndex((column) => column.rest);
    if (rest !== -1) shown[rest] = Math.max(1, width - used());
    return shown;
  }
}

/** A row in its own colours, and without any for where it is marked as a whole. */
export interface Row {
  text: string;
  plain: string;
}

function layOut<Item>(
  columns: readonly Column<Item>[],
  widths: readonly number[],
  cells: readonly (readonly Segment[])[],
  width: number,
): Row {
  let text = "";
  let plain = "";
  let used = 0;
  columns.forEach(({ align }, index) => {
    const room = Math.min(widths[index] ?? 0, width - used - (used > 0 ? GAP : 0));
    if (room <= 0 || widths[index] === 0) return;
    const gap = " ".repeat(used > 0 ? GAP : 0);
    const cell = cut(cells[index] ?? [], room);
    const padding = " ".repeat(room - cell.width);
    text += gap + (align ? padding + cell.text : cell.text + padding);
    plain += gap + (align ? padding + cell.plain : cell.plain + padding);
    used += gap.length + room;
  });
  const end = " ".repeat(Math.max(0, width - used));
  return { text: text + end, plain: plain + end };
}

function cut(segments: readonly Segment[], room: number): Row & { width: number } {
  let text = "";
  let plain = "";
  let width = 0;
  for (const segment of segments) {
    const left = room - width;
    if (left <= 0) break;
    const piece = clipText(segment.text, left);
    text += paint(piece.text, segment.style);
    plain += piece.text;
    width += piece.width;
  }
  return { text, plain, width };
}

/** Text in a style, in the plain one after it. */
export function paint(text: string, style: string | undefined): string {
  return style && text !== "" ? `\x1b[${style}m${text}\x1b[m` : text;
}

function segmentsOf(cell: Cell): readonly Segment[] {
  if (typeof cell === "string") return [{ text: cell }];
  return "text" in cell ? [cell] : cell;
}

function widthOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { text }) => sum + safeWidth(text), 0);
}
