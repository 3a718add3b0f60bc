import { type PaintOptions, type PaintStart, type PaintTarget, paintText } from "./paint.ts";
import { PLAIN, type Style, sgrFor } from "./sgr.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Rows between two recorded start positions of a long line. */
const STRIDE = 256;

export interface WrapOptions extends PaintOptions {
  /** Columns of the screen. */
  width: number;
}

/** Wraps a line into rows like those of `layoutRow`. Returns at least one row. */
export function wrapText(text: string, options: WrapOptions): string[] {
  const { width, marks } = options;
  if (marks.length === 0 && PRINTABLE_ASCII.test(text)) {
    if (text.length <= width) return [text];
    const rows: string[] = [];
    for (let at = 0; at < text.length; at += width) rows.push(text.slice(at, at + width));
    return rows;
  }
  const painter = new RowsPainter(width);
  paintText(text, options, painter);
  return painter.finish();
}

/**
 * A long line whose rows are made on demand: all rows of a megabyte of control characters take
 * sixty times its memory. One pass counts the rows and records start positions.
 */
export class WrappedLine {
  readonly text: string;
  /** Number of rows, at least one. */
  readonly count: number;
  readonly #options: Omit<WrapOptions, "marks">;
  readonly #starts: readonly RowStart[];

  constructor(text: string, options: Omit<WrapOptions, "marks">) {
    this.text = text;
    this.#options = options;
    const counter = new RowsPainter(options.width, { from: Number.POSITIVE_INFINITY });
    paintText(text, { ...options, marks: [] }, counter);
    this.count = counter.row + 1;
    this.#starts = counter.starts;
  }

  /** Returns rows `from` to `to` (exclusive). */
  rows(from: number, to: number, marks: PaintOptions["marks"]): string[] {
    const start = this.#starts.findLast(({ row }) => row < from) ?? BEGINNING;
    const painter = new RowsPainter(this.#options.width, { from, to, start });
    paintText(this.text, { ...this.#options, marks }, painter, start);
    return painter.finish();
  }
}

/** A start position and its position on the screen. */
interface RowStart extends PaintStart {
  row: number;
  used: number;
}

const BEGINNING: RowStart = { at: 0, style: PLAIN, row: 0, used: 0 };

/** Breaks full rows without splitting wide characters. Keeps only the requested rows. */
class RowsPainter implements PaintTarget {
  /** A start position every STRIDE rows. Recorded only if no row is kept. */
  readonly starts: RowStart[] = [];
  row: number;
  readonly #width: number;
  readonly #from: number;
  readonly #to: number;
  readonly #rows: string[] = [];
  #text = "";
  #used: number;
  #drawn = PLAIN;

  constructor(width: number, { from = 0, to = Number.POSITIVE_INFINITY, start = BEGINNING } = {}) {
    this.#width = Math.max(1, width);
    this.#from = from;
    this.#to = to;
    this.row = start.row;
    this.#used = start.used;
  }

  get column(): number {
    return this.row * this.#width + this.#used;
  }

  get full(): boolean {
    return this.row >= this.#to;
  }

  passes(at: number, style: Style): void {
    if (this.#from !== Number.POSITIVE_INFINITY || this.row < (this.starts.length + 1) * STRIDE) return;
    this.starts.push({ at, style, row: this.row, used: this.#used });
  }

  putAscii(run: string, style: Style): void {
    for (let at = 0; at < run.length && !this.full; ) {
      if (this.#used >= this.#width) this.#break();
      // Skips rows that are not kept at once, except for the last row before the kept ones.
      const left =
        this.row < this.#from ? (Math.min(this.#from, this.row + run.length) - this.row) * this.#width : this.#width;
      const part = Math.min(run.length - at, left - this.#used);
      if (this.row >= this.#from) this.#draw(run.slice(at, at + part), part, style);
      else {
        const total = this.#used + part;
        const rows = Math.ceil(total / this.#width) - 1;
        this.row += rows;
        this.#used = total - rows * this.#width;
      }
      at += part;
    }
  }

  put(cluster: string, width: number, style: Style): void {
    if (this.#used > 0 && this.#used + width > this.#width) this.#break();
    // The character is wider than a row.
    if (width > this.#width) this.#draw("?", 1, style);
    else this.#draw(cluster, width, style);
  }

  finish(): string[] {
    if (!this.full) this.#break();
    return this.#rows;
  }

  #draw(text: string, width: number, style: Style): void {
    this.#used += width;
    if (this.row < this.#from || this.full) return;
    this.#look(style);
    this.#text += text;
  }

  #break(): void {
    if (this.row >= this.#from) {
      this.#look(PLAIN);
      this.#rows.push(this.#text);
      this.#text = "";
    }
    this.row++;
    this.#used = 0;
  }

  #look(style: Style): void {
    if (style === this.#drawn) return;
    const sequence = sgrFor(style);
    if (sequence !== sgrFor(this.#drawn)) this.#text += sequence;
    this.#drawn = style;
  }
}
