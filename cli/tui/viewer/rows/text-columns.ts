import { scrollBar, whereFree } from "../../canvas/scroll-bar.ts";
import type { Theme } from "../../canvas/theme.ts";

/**
 * Maximum width at which the text uses every column, because lines of 80 columns are common. The
 * scroll bar then appears only beside rows whose last column is free.
 */
const FULL_COLUMNS = 80;

/** Number of columns for the text of a body. */
export function textColumns(columns: number, hasBar: boolean): number {
  return columns - (hasBar && columns > FULL_COLUMNS ? 1 : 0);
}

/**
 * Returns the cells of the scroll bar beside these rows, in the last column of a body. `shown`: the
 * visible part of the text, as fractions from 0 to 1.
 */
export function barBeside(
  rows: readonly string[],
  shown: { from: number; to: number },
  { columns, height, ticks, theme }: { columns: number; height: number; ticks?: Uint8Array | undefined; theme: Theme },
): string[] {
  const cells = scrollBar({ ...shown, ticks, height }, theme);
  return textColumns(columns, true) < columns ? cells : whereFree(cells, rows, columns);
}
