/** A part of a row. It replaces the terminal's content from `column` on. */
export interface RowPart {
  column: number;
  /** The characters with their styles; ends in the plain style. */
  text: string;
}

/**
 * The ranges of columns in which `row` differs from `shown`; undefined if drawing the whole row is
 * simpler. This function runs for each row of each frame, so it creates no object per column.
 * `arePlain`: the caller knows that both are plain (see {@link isPlain}).
 */
export function changedParts(shown: string, row: string, arePlain = false): RowPart[] | undefined {
  if (!arePlain && !(COMPARABLE.test(shown) && COMPARABLE.test(row))) return undefined;
  const [before, after] = [styledText(shown), styledText(row)];
  const parts = differences(before, after).map(({ from, to }) => ({ column: from, text: paint(after, from, to) }));
  if (before.text.length > after.text.length) parts.push({ column: after.text.length, text: "\x1b[K" });
  return parts;
}

/** True for a row of printable ASCII and SGR. */
export function isPlain(row: string): boolean {
  return !NOT_PLAIN.test(row);
}

/** Finds what {@link isPlain} excludes. It never backtracks, unlike a match of the whole row. */
const NOT_PLAIN = /[^\x1b\x20-\x7e]|\x1b(?!\[[0-9;:]*m)/;

/**
 * Matches rows that are compared by character, because each character is one column. These are SGR,
 * ASCII, Latin letters, the ellipsis, lines and blocks.
 */
const COMPARABLE = /^(?:[\x20-\x7e\u00a1-\u00ac\u00ae-\u017f\u2026\u2500-\u259f]|\x1b\[[0-9;:]*m)*$/;

/**
 * Minimum number of equal columns that are skipped: a cursor movement is then shorter than drawing
 * them.
 */
const WORTH_A_STEP = 24;

/** A row without SGR sequences, and the style of each column. */
interface StyledText {
  text: string;
  runs: StyleRun[];
}

/** Columns of one style, from `from` up to but excluding `to`. */
interface StyleRun {
  from: number;
  to: number;
  /** The SGR sequences since the last reset. */
  style: string;
}

function styledText(row: string): StyledText {
  const runs: StyleRun[] = [];
  let text = "";
  let style = "";
  for (let at = 0; at < row.length; ) {
    const next = row.indexOf("\x1b", at);
    const end = next === -1 ? row.length : next;
    if (end > at) {
      runs.push({ from: text.length, to: text.length + end - at, style });
      text += row.slice(at, end);
    }
    if (next === -1) break;
    at = row.indexOf("m", next) + 1;
    style = styleAfter(style, row.slice(next, at));
  }
  return { text, runs };
}

function styleAfter(style: string, token: string): string {
  if (token === "\x1b[m" || token === "\x1b[0m") return "";
  return token.startsWith("\x1b[0;") ? token : added(style, token);
}

/**
 * Sequences that set only the colour of the text, or only the colour of its background (ECMA-48
 * 8.3.117).
 */
const COLOURS = [/\x1b\[(?:3[0-79]|9[0-7]|38;[25];[\d;]+)m/g, /\x1b\[(?:4[0-79]|10[0-7]|48;[25];[\d;]+)m/g];

/** Adds a sequence to a style. It replaces an earlier sequence for the same colour. */
function added(style: string, token: string): string {
  if (style === "") return token;
  const replaced = COLOURS.find((colour) => token.replace(colour, "") === "");
  return (replaced ? style.replace(replaced, "") : style) + token;
}

/**
 * Returns the ranges of columns of `after` that differ from `before`. Joins ranges that are close
 * to each other.
 */
function differences(before: StyledText, after: StyledText): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  let old = 0;
  let last: { from: number; to: number } | undefined;
  for (const run of after.runs) {
    for (let column = run.from; column < run.to; ) {
      while (column >= (before.runs[old]?.to ?? Number.POSITIVE_INFINITY)) old++;
      const to = Math.min(run.to, before.runs[old]?.to ?? run.to);
      const isStyleSame = before.runs[old]?.style === run.style;
      for (; column < to; column++) {
        if (isStyleSame && before.text.charCodeAt(column) === after.text.charCodeAt(column)) continue;
        if (last && column - last.to < WORTH_A_STEP) last.to = column + 1;
        else {
          last = { from: column, to: column + 1 };
          ranges.push(last);
        }
      }
    }
  }
  return ranges;
}

function paint({ text, runs }: StyledText, from: number, to: number): string {
  let painted = "";
  let style = "";
  for (const run of runs) {
    const [start, end] = [Math.max(from, run.from), Math.min(to, run.to)];
    if (start >= end) continue;
    if (run.style !== style) painted += style === "" ? run.style : `\x1b[m${run.style}`;
    style = run.style;
    painted += text.slice(start, end);
  }
  return style === "" ? painted : `${painted}\x1b[m`;
}
