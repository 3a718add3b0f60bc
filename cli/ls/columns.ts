/** The output format of items in columns. */
export interface ColumnFormat<T> {
  text: (one: T) => string;
  /** Width in terminal columns. */
  width: (one: T) => number;
}

/** Formats items as lines of columns, filled with spaces. */
export function* columnLines<T>(
  things: Iterable<T> & { readonly length: number; at(index: number): T | undefined },
  { text, width }: ColumnFormat<T>,
  maxWidth: number,
): Generator<string> {
  const widths = new Uint32Array(things.length);
  let count = 0;
  for (const one of things) widths[count++] = width(one);
  const { rows, columns } = layoutColumns(widths, maxWidth);
  for (let row = 0; row < rows; row++) {
    let line = "";
    for (let column = 0; column < columns.length; column++) {
      const index = column * rows + row;
      const one = things.at(index);
      if (one === undefined) break;
      const isLast = index + rows >= things.length;
      line += text(one) + (isLast ? "" : " ".repeat((columns[column] ?? 0) - (widths[index] ?? 0)));
    }
    yield `${line}\n`;
  }
}

/** Minimum width of a column: a character and the gap. */
const LEAST = 3;
const GAP = 2;

/**
 * Arranges names of these widths column by column, in as many columns as fit in `width`.
 * @returns the width of each column and the number of rows; the last column has no gap
 */
function layoutColumns(widths: ArrayLike<number>, width: number): { rows: number; columns: number[] } {
  const maxCount = Math.min(widths.length, Math.max(1, Math.ceil(width / LEAST)));
  for (let count = maxCount; count > 1; count--) {
    const rows = Math.ceil(widths.length / count);
    const columns: number[] = [];
    let total = 0;
    for (let from = 0; from < widths.length && total < width; from += rows) {
      const isLast = columns.length === count - 1;
      let widest = 0;
      for (let at = from; at < Math.min(from + rows, widths.length); at++) widest = Math.max(widest, widths[at] ?? 0);
      // Like ls(1), counts the gap of a last column even if the column is empty.
      columns.push(widest + (isLast ? 0 : GAP));
      total += columns.at(-1) ?? 0;
    }
    total += Math.max(0, count - columns.length) * LEAST;
    if (total < width) return { rows, columns };
  }
  return { rows: widths.length, columns: [widths[0] ?? 0] };
}
