const BLOCKS = "▁▂▃▄▅▆▇█";

/**
 * Draws the last values as blocks in `width` columns, scaled so that `most` is full height. Pads
 * with blanks if there are fewer values.
 */
export function sparkline(values: readonly number[], most: number, width: number): string {
  const shown = values.slice(-width).map((value) => {
    const part = most > 0 ? Math.max(0, Math.min(1, value / most)) : 0;
    return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(part * BLOCKS.length))] ?? "";
  });
  return shown.join("").padStart(width);
}
