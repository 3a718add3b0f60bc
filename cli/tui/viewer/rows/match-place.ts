import type { LineSpace, Position } from "../../../../src/text/index.ts";
import type { Pane } from "./pane.ts";

/** A displayed text. */
export interface DisplayedText {
  readonly isHex: boolean;
  readonly isWrapped: boolean;
  /** Columns that are scrolled out at the left. */
  readonly left: number;
  readonly space: LineSpace;
  endOf(line: number): number;
}

/** Returns the row of the match at `offset`; undefined if no visible line contains it. */
export function positionOfMatch(text: DisplayedText, pane: Pane, offset: number): Position | undefined {
  const line = text.space.at(offset);
  if (line === undefined || offset < line || offset >= text.endOf(line)) return undefined;
  return { line, row: text.isHex ? 0 : pane.rowOfMatch(line) };
}

/** Returns the columns of a match that is beyond an edge; undefined if they are visible. */
export function columnsBeyond(
  { isHex, isWrapped, left, space }: DisplayedText,
  pane: Pane,
  offset: number,
): { from: number; to: number } | undefined {
  if (isHex || isWrapped) return undefined;
  const columns = pane.columnsOfMatch(space.at(offset) ?? offset);
  // The last column marks a truncated row.
  const isShown = columns === undefined || (columns.from >= left && columns.to < left + pane.width);
  return isShown ? undefined : columns;
}

/** Returns the offset at which row `row` of `rows` begins in a line, as its fraction of the line. */
export function offsetOfRow({ line, row }: Position, end: number, rows: number): number {
  return line + Math.floor(((end - line) * row) / Math.max(1, rows));
}

/** Returns the row at `offset` in a line, the reverse of {@link offsetOfRow}. */
export function rowOfOffset(offset: number, line: number, end: number, rows: number): number {
  return Math.min(Math.ceil(((offset - line) * rows) / Math.max(1, end - line)), rows - 1);
}
