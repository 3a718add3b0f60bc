/** Narrowest column: one character and the gap. */
const LEAST = 3;
const GAP = 2;

/**
 * Arranges names of these widths down columns, as many as a line of `width` holds.
 * @returns width of each column without the last one's gap, and how many rows
 */
export function layoutColumns(widths: readonly number[], width: number): { rows: number; columns: number[] } {
  const most = Math.min(widths.length, Math.max(1, Math.ceil(width / LEAST)));
  for (let count = most; count > 1; count--) {
    const rows = Math.ceil(widths.length / count);
    const columns: number[] = [];
    let total = 0;
    for (let from = 0; from < widths.length && total < width; from += rows) {
      const isLast = columns.length === count - 1;
      let widest = 0;
      for (let at = from; at < Math.min(from + rows, widths.length); at++) widest = Math.max(widest, widths[at] ?? 0);
      // ls(1) counts the gap even of a last column that fewer rows leave empty.
      columns.push(widest + (isLast ? 0 : GAP));
      total += columns.at(-1) ?? 0;
    }
    total += Math.max(0, count - columns.length) * LEAST;
    if (total < width) return { rows, columns };
  }
  return { rows: widths.length, columns: [Math.max(0, ...widths.slice(0, 1))] };
}

/** The text of names in columns, with spaces between. */
export function inColumns(names: readonly { text: string; width: number }[], width: number): string {
  const { rows, columns } = layoutColumns(
    names.map((name) => name.width),
    width,
  );
  let text = "";
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns.length; column++) {
      const name = names[column * rows + row];
      if (name === undefined) break;
      const isLast = column * rows + row + rows >= names.length;
      text += name.text + (isLast ? "" : " ".repeat((columns[column] ?? 0) - name.width));
    }
    text += "\n";
  }
  return text;
}
