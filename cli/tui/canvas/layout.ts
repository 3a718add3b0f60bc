import { layoutRow } from "../../../src/text/index.ts";
import { textWidth } from "./text-width.ts";

/** Number of rows of each region, from the top. */
export interface Regions {
  top: number;
  body: number;
  bottom: number;
}

/**
 * Minimum rows of a screen with a row of keys. Below the second limit, only one row above the body
 * and one row below it remain.
 */
const MIN_FOR_KEYS = 8;

/** Divides the rows of a screen between the bars and the body. The body gets at least one row. */
export function regionsOf(rows: number, { hasTabs }: { hasTabs: boolean }): Regions {
  const top = hasTabs ? 2 : 1;
  const bottom = rows < MIN_FOR_KEYS ? 1 : 2;
  return { top, body: Math.max(1, rows - top - bottom), bottom };
}

/** Position of a rectangle's upper left corner, from 0. */
export interface Corner {
  column: number;
  row: number;
}

/** A part of the body, relative to its upper left corner. */
export interface Rectangle extends Corner {
  width: number;
  height: number;
}

/** Minimum columns for a panel beside a list. */
export const BESIDE_FROM = 110;

/** Minimum rows for a list with a panel below it. */
const MIN_BELOW = 14;

/** Maximum width of a panel in columns: it shows facts and short lines. */
const MAX_PANEL = 72;

/** Columns between a list and the panel beside it. */
const PANEL_GAP = 1;

/**
 * Divides a body between a list and a panel. The panel is beside the list from {@link BESIDE_FROM}
 * columns on, otherwise below it. Undefined if there is room for only one of them.
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
  if (height < MIN_BELOW) return undefined;
  const row = Math.max(5, Math.floor(height * 0.4));
  return { list: { columns, height: row }, panel: { column: 0, row, width: columns, height: height - row } };
}

/** True if both are the same part of the body. */
export function isSameRectangle(a: Rectangle, b: Rectangle): boolean {
  return a.column === b.column && a.row === b.row && a.width === b.width && a.height === b.height;
}

/** Centres a rectangle in the body. A rectangle that is too large starts at the body's corner. */
export function centred(size: { width: number; height: number }, body: { columns: number; height: number }): Corner {
  return {
    column: Math.max(0, Math.floor((body.columns - size.width) / 2)),
    row: Math.max(0, Math.floor((body.height - size.height) / 2)),
  };
}

/**
 * Draws rows over other rows, from a corner on. Cuts the rows that do not fit below. Rows are
 * printable text and SGR.
 */
export function laidOver(rows: readonly string[], over: readonly string[], width: number, at: Corner): string[] {
  return rows.map((row, index) => {
    const upper = over[index - at.row];
    if (upper === undefined) return row;
    const before = part(row, at.column);
    const after = layoutRow(row, { left: at.column + width, width: row.length, colours: "pass", marks: [] }).text;
    return before + part(upper, width) + after;
  });
}

/** Combines rows of a list with those of its panel, which are beside or below them. */
export function withPanel(rows: readonly string[], panel: readonly string[], at: Rectangle): string[] {
  return rows.map((row, index) => {
    const other = panel[index - at.row];
    if (other === undefined) return row;
    return at.column === 0 ? other : padded(row, at.column) + other;
  });
}

function part(row: string, width: number): string {
  if (width <= 0) return "";
  const { text } = layoutRow(row, { left: 0, width, colours: "pass", marks: [] });
  return padded(text, width);
}

function padded(row: string, width: number): string {
  return row + " ".repeat(Math.max(0, width - textWidth(row.replace(/\x1b\[[0-9;:]*m/g, ""))));
}

/** Returns exactly this number of rows. Adds blank rows at the end if there are too few. */
export function exactly(rows: readonly string[], count: number): readonly string[] {
  if (rows.length === count) return rows;
  return Array.from({ length: count }, (_, index) => rows[index] ?? "");
}
