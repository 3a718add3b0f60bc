import { type Mark, type PaintOptions, type PaintTarget, paintText } from "./paint.ts";
import { overlayStyle, PLAIN, type Style, sgrFor } from "./sgr.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Options of {@link layoutRow}. */
export interface LayoutOptions extends PaintOptions {
  /** Columns to skip at the left (horizontal scroll). */
  left: number;
  /** Columns of the screen. */
  width: number;
  /**
   * Shown in the last column of a clipped row: one printable column, optionally with SGR. By
   * default no mark is shown.
   */
  more?: string;
}

/** A row of a screen. */
export interface Row {
  /** Printable text with SGR sequences. At its end, the terminal is in the plain style. */
  text: string;
  /** True if the line continues to the right of the screen. */
  clipped: boolean;
}

/**
 * Lays a line of decoded text out as one row: control characters made visible, tabs expanded,
 * clipped to the screen. The output has only printable characters and SGR colours written by this
 * function.
 */
export function layoutRow(text: string, options: LayoutOptions): Row {
  const { left, width, marks } = options;
  if (text.length <= left + width && (marks.length === 0 || left === 0) && PRINTABLE_ASCII.test(text))
    return { text: marks.length === 0 ? text.slice(left) : marked(text, marks), clipped: false };
  const painter = new Painter(options);
  paintText(text, options, painter);
  return { text: painter.finish(), clipped: painter.full };
}

/**
 * Draws a whole line of printable ASCII, as {@link Painter} would: most lines of a log are of this
 * kind, with a mark for their level.
 */
function marked(text: string, marks: readonly Mark[]): string {
  let row = "";
  let at = 0;
  let drawn = sgrFor(PLAIN);
  const draw = (end: number, style: Style) => {
    const sequence = sgrFor(style);
    if (sequence !== drawn) row += sequence;
    drawn = sequence;
    row += text.slice(at, end);
    at = end;
  };
  for (const { start, end, look } of marks) {
    const last = Math.min(end, text.length);
    if (last <= Math.max(at, start)) continue;
    if (start > at) draw(start, PLAIN);
    draw(last, overlayStyle(PLAIN, look));
  }
  draw(text.length, PLAIN);
  return row;
}

/**
 * Collects the text between the left column and the width, and emits a style only where it changes.
 * Holds the last column back, because the continuation sign may replace it.
 */
class Painter implements PaintTarget {
  column = 0;
  full = false;
  readonly #left: number;
  readonly #right: number;
  /** The first column that is held back. */
  readonly #edge: number;
  readonly #more: string;
  #text = "";
  #drawn = PLAIN;
  #textEnd: number;
  #last: { cluster: string; style: Style } | undefined;

  constructor({ left, width, more = "" }: LayoutOptions) {
    this.#left = left;
    this.#right = left + width;
    this.#edge = more === "" || width < 2 ? this.#right : this.#right - 1;
    this.#more = width < 2 ? "" : more;
    this.#textEnd = left;
  }

  /** Draws a run of characters of one column each. */
  putAscii(run: string, style: Style): void {
    const start = this.column;
    const from = Math.max(0, this.#left - start);
    const to = Math.min(run.length, this.#edge - start);
    this.column += run.length;
    if (from < to) this.#draw(from === 0 && to === run.length ? run : run.slice(from, to), start + to, style);
    if (start <= this.#edge && this.column > this.#edge && this.#edge < this.#right)
      this.#last = { cluster: run.charAt(this.#edge - start), style };
    if (this.column > this.#right) this.full = true;
  }

  put(cluster: string, width: number, style: Style): void {
    const start = this.column;
    this.column += width;
    if (this.column <= this.#left) return;
    if (this.column > this.#right) this.full = true;
    // Half a wide character at the left edge becomes a blank.
    else if (start < this.#left) this.#draw(" ".repeat(this.column - this.#left), this.column, style);
    else if (this.column > this.#edge) this.#last = { cluster, style };
    else this.#draw(cluster, this.column, style);
  }

  finish(): string {
    if (this.full && this.#more !== "") {
      this.#look(PLAIN);
      return this.#text + " ".repeat(this.#edge - this.#textEnd) + this.#more;
    }
    if (this.#last) this.#draw(this.#last.cluster, this.column, this.#last.style);
    this.#look(PLAIN);
    return this.#text;
  }

  #draw(text: string, end: number, style: Style): void {
    this.#look(style);
    this.#text += text;
    this.#textEnd = end;
  }

  #look(style: Style): void {
    if (style === this.#drawn) return;
    const sequence = sgrFor(style);
    if (sequence !== sgrFor(this.#drawn)) this.#text += sequence;
    this.#drawn = style;
  }
}
