import { textWidth } from "./text-width.ts";
import type { Theme } from "./theme.ts";

/** State of a scroll bar. Bounds are fractions of the whole, from 0 to 1. */
export interface ScrollBar {
  height: number;
  /** The visible part. */
  from: number;
  to: number;
  /** For each row of the bar, whether it has a tick. */
  ticks: Uint8Array | undefined;
}

/**
 * Draws a scroll bar as one cell per row; empty rows have no cell. Cells are blanks with a
 * background, so that text copied with the terminal's mouse has only trailing blanks. Draws nothing
 * if all of the text is visible.
 */
export function scrollBar({ height, from, to, ticks }: ScrollBar, theme: Theme): string[] {
  if (from <= 0 && to >= 1) return [];
  const length = Math.max(1, Math.min(height, Math.round((to - from) * height)));
  // The thumb touches an end of the bar only if the text is at that end.
  const min = from <= 0 ? 0 : Math.min(1, height - length);
  const max = height - length - (to >= 1 || height - length <= min ? 0 : 1);
  const first = from <= 0 ? 0 : to >= 1 ? height - length : clamp(Math.floor(from * height), min, max);
  // Ticks must not cover the whole thumb, because the thumb shows the position.
  const isCovered = ticks?.subarray(first, first + length).every((tick) => tick !== 0) ?? false;
  const cells = new Array<string>(height).fill("").fill(cell(theme.thumb), first, first + length);
  ticks?.forEach((tick, row) => {
    const isThumb = row >= first && row < first + length;
    if (tick !== 0 && row < height && !(isThumb && isCovered)) cells[row] = cell(theme.tick);
  });
  return cells;
}

/** Keeps only the cells of rows that leave the last column free. */
export function whereFree(cells: readonly string[], rows: readonly string[], columns: number): string[] {
  return cells.map((one, index) => (one === "" || columnsOf(rows[index] ?? "") < columns ? one : ""));
}

function columnsOf(row: string): number {
  return textWidth(row.replace(/\x1b\[[0-9;:]*m/g, ""));
}

function cell(style: string): string {
  return `\x1b[${style}m \x1b[m`;
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value));
}
