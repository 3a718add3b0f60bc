const BLOCKS = "▁▂▃▄▅▆▇█";

/**
 * Draws the last values as blocks in `width` columns, scaled so that `max` is full height. Pads
 * with blanks if there are fewer values.
 */
export function sparkline(values: readonly number[], max: number, width: number): string {
  const shown = values.slice(-width).map((value) => {
    const part = max > 0 ? Math.max(0, Math.min(1, value / max)) : 0;
    return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(part * BLOCKS.length))] ?? "";
  });
  return shown.join("").padStart(width);
}

/**
 * Draws the last values as blocks in `height` rows of `width` columns, the top row first, scaled so
 * that `max` is full height.
 */
export function barChart(values: readonly number[], max: number, { width, height }: ChartSize): string[] {
  const full = BLOCKS.length;
  const shown = values
    .slice(-width)
    .map((value) => Math.max(1, Math.round((max > 0 ? Math.max(0, Math.min(1, value / max)) : 0) * full * height)));
  return Array.from({ length: height }, (_, row) => {
    const below = (height - 1 - row) * full;
    const blocks = shown.map((eighths) =>
      eighths <= below ? " " : (BLOCKS[Math.min(full, eighths - below) - 1] ?? ""),
    );
    return blocks.join("").padStart(width);
  });
}

/** Size in rows and columns. */
export interface ChartSize {
  width: number;
  height: number;
}
