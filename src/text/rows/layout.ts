import { type PaintOptions, paintText, type Surface } from "./paint.ts";
import { PLAIN, type Style, sgrFor } from "./sgr.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** How {@link layoutRow} lays out a row. */
export interface LayoutOptions extends PaintOptions {
  /** Columns to skip at the left (horizontal scroll). */
  left: number;
  /** Columns of the screen. */
  width: number;
  /** Takes the last column of a row that goes on: one printable column, with SGR around it if wanted. Nothing by default. */
  more?: string;
}

/** One row of a screen, ready to be written. */
export interface Row {
  /** What to send: printable text, and SGR sequences that leave the terminal in its plain style. */
  text: string;
  /** True when the line goes on to the right of the screen. */
  clipped: boolean;
}

/**
 * Lays one line of decoded text out as one row: control characters shown, tabs expanded, cut to the screen's columns. Nothing but printable
 * characters and SGR colours that this function writes itself ever comes out.
 */
export function layoutRow(text: string, options: LayoutOptions): Row {
  const { left, width, marks } = options;
  if (marks.length === 0 && text.length <= left + width && PRINTABLE_ASCII.test(text))
    return { text: text.slice(left), clipped: false };
  const painter = new Painter(options);
  paintText(text, options, painter);
  return { text: painter.finish(), clipped: painter.full };
}

/**
 * Collects what falls between the left column and the width, with style changes only where the look changes. What stands in the last column is kept
 * apart, for the sign that the line goes on takes its place.
 */
class Painter implements Surface {
  column = 0;
  full = false;
  readonly #left: number;
  readonly #right: number;
  /** First column that is kept apart. */
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

  /** A run of characters that are one column wide. */
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
    // A wide character that the left edge cuts leaves its visible half blank.
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
