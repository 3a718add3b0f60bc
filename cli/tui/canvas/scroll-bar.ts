import { textWidth } from "./text-width.ts";
import type { Theme } from "./theme.ts";

/** What a scroll bar shows. Bounds are parts of the whole, from 0 to 1. */
export interface ScrollBar {
  height: number;
  /** What is on the screen. */
  from: number;
  to: number;
  /** For each row of the bar, whether it has a tick. */
  ticks: Uint8Array | undefined;
}

/**
 * A scroll bar as one cell for each row, empty where there is nothing. Cells are blanks with a
 * background: what the terminal's mouse copies has blanks at its end and no other characters. No
 * bar where everything is on the screen.
 */
export function scrollBar({ height, from, to, ticks }: ScrollBar, theme: Theme): string[] {
  if (from <= 0 && to >= 1) return [];
  const length = Math.max(1, Math.min(height, Math.round((to - from) * height)));
  // The thumb touches an end of the bar only where the text is at that end.
  const least = from <= 0 ? 0 : Math.min(1, height - length);
  const most = height - length - (to >= 1 || height - length <= least ? 0 : 1);
  const first = from <= 0 ? 0 : to >= 1 ? height - length : clamp(Math.floor(from * height), least, most);
  return Array.from({ length: height }, (_, row) => {
    if (ticks?.[row]) return cell(theme.tick);
    return row >= first && row < first + length ? cell(theme.thumb) : "";
  });
}

/** The cells beside rows that leave the last of the columns free. */
export function whereFree(cells: readonly string[], rows: readonly string[], columns: number): string[] {
  return cells.map((one, index) => (one === "" || columnsOf(rows[index] ?? "") < columns ? one : ""));
}

function columnsOf(row: string): number {
  return textWidth(row.replace(/\x1b\[[0-9;:]*m/g, ""));
}

function cell(style: string): string {
  return `\x1b[${style}m \x1b[m`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
