const BLOCKS = "▁▂▃▄▅▆▇█";

/**
 * The last values as blocks of the height that they have of `most`, in `width` columns; blank where
 * there are fewer.
 */
export function sparkline(values: readonly number[], most: number, width: number): string {
  const shown = values.slice(-width).map((value) => {
    const part = most > 0 ? Math.max(0, Math.min(1, value / most)) : 0;
    return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(part * BLOCKS.length))] ?? "";
  });
  return shown.join("").padStart(width);
}
