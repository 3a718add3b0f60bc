import { fitText, textWidth } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import type { HistogramBar, HistogramState } from "../view/histogram.ts";
import type { Piece } from "./row-text.ts";

const BAR_ROWS = 3;
/** Rows of a histogram: a title, the bars, and an axis with the current position. */
export const HISTOGRAM_ROWS = BAR_ROWS + 2;

const BLOCKS = "▁▂▃▄▅▆▇█";
const MARKER = "▲";

/** Returns the title, the bars from the top row to the bottom row, and the axis. */
export function histogramRows(state: HistogramState, theme: Theme): Piece[][] {
  return [titleRow(state, theme), ...barRows(state.bars, theme), axisRow(state, theme)];
}

function titleRow({ title, summary, hint, width }: HistogramState, theme: Theme): Piece[] {
  const left = ` ${title}  ${summary}`;
  const right = `${hint} `;
  const gap = width - textWidth(left) - textWidth(right);
  if (gap < 1) return [{ text: fitText(left, width), style: theme.heading }];
  return [
    { text: left, style: theme.heading },
    { text: `${" ".repeat(gap)}${right}`, style: theme.dim },
  ];
}

/**
 * Draws the bars. The height of a bar shows its number of records. Its lower part has the colour of
 * the worst level, in proportion to the errors and warnings, and is at least one row high.
 */
function barRows(bars: readonly HistogramBar[], theme: Theme): Piece[][] {
  const max = Math.max(1, ...bars.map(({ records }) => records));
  const eighths = (records: number) =>
    records > 0 ? Math.max(1, Math.round((records / max) * BAR_ROWS * BLOCKS.length)) : 0;
  const columns = bars.map(({ records, errors, warnings }) => ({
    height: eighths(records),
    problems: eighths(errors + warnings),
    style: errors > 0 ? theme.bad : foreground(theme.warning),
  }));
  return Array.from({ length: BAR_ROWS }, (_, row) => {
    const below = (BAR_ROWS - 1 - row) * BLOCKS.length;
    return runs(
      columns.map(({ height, problems, style }) => ({
        text: height <= below ? " " : (BLOCKS[Math.min(BLOCKS.length, height - below) - 1] ?? " "),
        style: problems > below ? style : theme.dim,
      })),
    );
  });
}

function axisRow({ first, last, at, width }: HistogramState, theme: Theme): Piece[] {
  const room = width - textWidth(first) - textWidth(last) - 4;
  const cells = Array.from({ length: width }, () => "─");
  // Keeps the marker off the labels, where it would hide a digit.
  const put = (text: string, from: number) => {
    if (at < from || at >= from + text.length) cells.splice(from, text.length, ...text);
  };
  if (room > 0 && first !== "") {
    put(` ${first} `, 1);
    put(` ${last} `, width - textWidth(last) - 3);
  }
  return runs(
    cells.map((text, column) =>
      column === at ? { text: MARKER, style: theme.focus } : { text, style: text === "─" ? theme.border : theme.dim },
    ),
  );
}

/** Joins adjacent pieces of the same style. */
function runs(cells: readonly Piece[]): Piece[] {
  const joined: Piece[] = [];
  for (const { text, style } of cells) {
    const last = joined.at(-1);
    if (last && last.style === style) last.text += text;
    else joined.push({ text, style });
  }
  return joined;
}

/**
 * Converts a style whose colour is its background, such as warnings on 16 colours, to a foreground.
 */
function foreground(style: string): string {
  return style.replace(/^30;4(\d)$/, "3$1");
}
