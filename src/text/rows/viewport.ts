import type { LineSpace } from "./lines.ts";

/** A row of the text: the offset of its line, and the row within the line, from 0. */
export interface Position {
  line: number;
  row: number;
}

/**
 * The visible rows: the position of the first row, and a height. Stores no lines; each query reads
 * a few blocks. No move scrolls the last row of the text above the last row of the screen.
 */
export class Viewport {
  #lines: LineSpace;
  #rowsIn: (line: number) => number;
  #top: Position = { line: 0, row: 0 };
  #height = 1;
  /** Top of the last page, computed once from the end. */
  #lastTop: Position | undefined;
  #lastTopIsKnown = false;

  /** `rowsIn` returns the number of rows of a line. */
  constructor(lines: LineSpace, rowsIn: (line: number) => number = () => 1) {
    this.#lines = lines;
    this.#rowsIn = rowsIn;
    this.toStart();
  }

  get top(): Position {
    return this.#top;
  }

  get height(): number {
    return this.#height;
  }

  resize(height: number): void {
    this.#height = Math.max(1, height);
    this.forget();
    this.settle();
  }

  /** Switches to other lines, row counts or another height, and keeps the top line. */
  reshape(lines: LineSpace, rowsIn: (line: number) => number, height = this.#height): void {
    this.#height = Math.max(1, height);
    this.#lines = lines;
    this.#rowsIn = rowsIn;
    this.forget();
    this.show(this.#top.line);
  }

  /** Scrolls by rows, down if positive. Returns the rows moved, fewer at either end. */
  scroll(rows: number): number {
    let moved = 0;
    const last = rows > 0 ? this.#last() : undefined;
    for (; moved < Math.abs(rows); moved++) {
      if (last && !isBefore(this.#top, last)) break;
      const next = rows > 0 ? this.#next(this.#top) : this.#previous(this.#top);
      if (!next) break;
      this.#top = next;
    }
    return rows < 0 && moved > 0 ? -moved : moved;
  }

  toStart(): void {
    this.#top = { line: this.#lines.first() ?? 0, row: 0 };
  }

  toEnd(): void {
    const last = this.#last();
    if (last) this.#top = last;
  }

  /**
   * Puts the line of `offset` at the top, or up to `above` rows further down, as far as the end
   * allows.
   */
  show(offset: number, above = 0, row = 0): void {
    this.#top = { line: this.#lines.at(offset) ?? offset, row };
    if (above > 0) this.scroll(-above);
    const last = this.#last();
    if (last && isBefore(last, this.#top)) this.#top = last;
  }

  /** True if the last row is visible. */
  atEnd(): boolean {
    const last = this.#last();
    return last === undefined || !isBefore(this.#top, last);
  }

  /** The visible rows, at most `height`. */
  visible(): Position[] {
    return this.#from(this.#lines.has(this.#top.line) ? this.#top : undefined);
  }

  /** The rows below the visible ones, at most `height`. */
  below(): Position[] {
    const last = this.visible().at(-1);
    return this.#from(last && this.#next(last));
  }

  /** Moves to existing rows after a change of text, lines or height. */
  settle(): void {
    const line = this.#lines.at(this.#top.line);
    if (line !== undefined && line !== this.#top.line) this.#top = { line, row: 0 };
    const rows = this.#top.row > 0 ? this.#rowsIn(this.#top.line) : 1;
    if (this.#top.row >= rows) this.#top = { line: this.#top.line, row: rows - 1 };
    const last = this.#last();
    if (last && isBefore(last, this.#top)) this.#top = last;
  }

  /** Invalidates the cached end. */
  forget(): void {
    this.#lastTopIsKnown = false;
  }

  #from(first: Position | undefined): Position[] {
    const positions: Position[] = [];
    for (let position = first; position && positions.length < this.#height; position = this.#next(position))
      positions.push(position);
    return positions;
  }

  #next({ line, row }: Position): Position | undefined {
    if (row + 1 < this.#rowsIn(line)) return { line, row: row + 1 };
    const next = this.#lines.next(line);
    return next === undefined ? undefined : { line: next, row: 0 };
  }

  #previous({ line, row }: Position): Position | undefined {
    if (row > 0) return { line, row: row - 1 };
    const previous = this.#lines.previous(line);
    return previous === undefined ? undefined : { line: previous, row: this.#rowsIn(previous) - 1 };
  }

  #last(): Position | undefined {
    if (this.#lastTopIsKnown) return this.#lastTop;
    const last = this.#lines.last();
    let top = last === undefined ? undefined : { line: last, row: this.#rowsIn(last) - 1 };
    for (let row = 1; top && row < this.#height; row++) {
      const previous = this.#previous(top);
      if (!previous) break;
      top = previous;
    }
    this.#lastTop = top;
    this.#lastTopIsKnown = true;
    return top;
  }
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.row < b.row);
}
