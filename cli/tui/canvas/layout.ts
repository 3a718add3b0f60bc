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

/** Exactly so many columns of a row. */
function part(row: string, left: number, width: number): string {
  if (width <= 0) return "";
  const { text } = layoutRow(row, { left, width, colours: "pass", marks: [] });
  return text + " ".repeat(Math.max(0, width - textWidth(text.replace(/\x1b\[[0-9;:]*m/g, ""))));
}
