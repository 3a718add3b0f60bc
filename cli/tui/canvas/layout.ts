import { layoutRow } from "../../../src/text/index.ts";
import { textWidth } from "./text-width.ts";

/** Rows of the screen that each region has, from the top. */
export interface Regions {
  top: number;
  body: number;
  bottom: number;
}

/**
 * A screen lower than this has no row for keys, and lower than the second no rows around the body
 * but one above and one below.
 */
const LEAST_FOR_KEYS = 8;

/** Shares the rows of a screen among the bars and the body, which has one row at least. */
export function regionsOf(rows: number, { hasTabs }: { hasTabs: boolean }): Regions {
  const top = hasTabs ? 2 : 1;
  const bottom = rows < LEAST_FOR_KEYS ? 1 : 2;
  return { top, body: Math.max(1, rows - top - bottom), bottom };
}

/** Where a rectangle lies: column and row of its upper left corner, from 0. */
export interface Corner {
  column: number;
  row: number;
}

/** A part of the body, relative to its upper left corner. */
export interface Rectangle extends Corner {
  width: number;
  height: number;
}

/** From this number of columns on, a panel fits beside a list. */
export const BESIDE_FROM = 110;

/** A list and its panel need so many rows if the panel is below the list. */
const LEAST_BELOW = 14;

/** Maximum width of a panel in columns: it shows facts and short lines. */
const MAX_PANEL = 72;

/** Columns between a list and the panel beside it. */
const PANEL_GAP = 1;

/**
 * Shares a body between a list and a panel. The panel is beside the list from {@link BESIDE_FROM}
 * columns on, otherwise below it. Undefined if there is room for one of them only.
 */
export function splitBody(body: { columns: number; height: number }):
  | {
      list: { columns: number; height: number };
      panel: Rectangle;
    }
  | undefined {
  const { columns, height } = body;
  if (columns >= BESIDE_FROM) {
    const width = Math.min(MAX_PANEL, Math.floor(columns * 0.45));
    const column = columns - width;
    return { list: { columns: column - PANEL_GAP, height }, panel: { column, row: 0, width, height } };
  }
  if (height < LEAST_BELOW) return undefined;
  const row = Math.max(5, Math.floor(height * 0.4));
  return { list: { columns, height: row }, panel: { column: 0, row, width: columns, height: height - row } };
}

/** True if both are the same part of the body. */
export function isSameRectangle(a: Rectangle, b: Rectangle): boolean {
  return a.column === b.column && a.row === b.row && a.width === b.width && a.height === b.height;
}

/** In the middle of the body; where it does not fit, from its corner on. */
export function centred(size: { width: number; height: number }, body: { columns: number; height: number }): Corner {
  return {
    column: Math.max(0, Math.floor((body.columns - size.width) / 2)),
    row: Math.max(0, Math.floor((body.height - size.height) / 2)),
  };
}

/**
 * Rows with others laid over them from a corner on; what does not fit below is left out. Rows are
 * printable text and SGR.
 */
export function laidOver(rows: readonly string[], over: readonly string[], width: number, at: Corner): string[] {
  return rows.map((row, index) => {
    const upper = over[index - at.row];
    if (upper === undefined) return row;
    const before = part(row, 0, at.column);
    const after = layoutRow(row, { left: at.column + width, width: row.length, colours: "pass", marks: [] }).text;
    return before + part(upper, 0, width) + after;
  });
}

/** Rows of a list with those of its panel beside or below them. The list leaves the panel free. */
export function withPanel(rows: readonly string[], panel: readonly string[], at: Rectangle): string[] {
  return rows.map((row, index) => {
    const other = panel[index - at.row];
    if (other === undefined) return row;
    return at.column === 0 ? other : padded(row, at.column) + other;
  });
}

/** Exactly so many columns of a row. */
function part(row: string, left: number, width: number): string {
  if (width <= 0) return "";
  const { text } = layoutRow(row, { left, width, colours: "pass", marks: [] });
  return padded(text, width);
}

/** A row with blanks up to this width. */
function padded(row: string, width: number): string {
  return row + " ".repeat(Math.max(0, width - textWidth(row.replace(/\x1b\[[0-9;:]*m/g, ""))));
}

/** So many rows; blank ones at the end where there are fewer. */
export function exactly(rows: readonly string[], count: number): string[] {
  return Array.from({ length: count }, (_, index) => rows[index] ?? "");
}
