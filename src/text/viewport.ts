import type { Lines } from "./lines.ts";

/**
 * Which lines are on the screen: the byte offset of the first one and a height in rows. It holds no lines; each question reads the few blocks
 * it needs. Every move keeps the last row of the text at the last row of the screen or above it, and moves by whole lines.
 */
export class Viewport {
  readonly #lines: Lines;
  #top = 0;
  #height = 1;
  #lastPage: { end: number; height: number; top: number } | undefined;

  constructor(lines: Lines) {
    this.#lines = lines;
    this.#top = lines.start();
  }

  get top(): number {
    return this.#top;
  }

  get height(): number {
    return this.#height;
  }

  resize(height: number): void {
    this.#height = Math.max(1, height);
    this.settle();
  }

  /** Moves by lines, down when positive. Returns how many it moved, fewer at either end. */
  scroll(lines: number): number {
    let moved = 0;
    if (lines > 0) {
      const last = this.#lastTop();
      for (; moved < lines && this.#top < last; moved++) {
        const next = this.#lines.next(this.#top);
        if (next === undefined) break;
        this.#top = next;
      }
      return moved;
    }
    for (; moved > lines; moved--) {
      const previous = this.#lines.previous(this.#top);
      if (previous === undefined) break;
      this.#top = previous;
    }
    return moved;
  }

  toStart(): void {
    this.#top = this.#lines.start();
  }

  toEnd(): void {
    this.#top = this.#lastTop();
  }

  /** Puts the line that `offset` is in at the top, or as near as the end allows. */
  show(offset: number): void {
    this.#top = Math.min(this.#lines.at(Math.max(offset, this.#lines.start())), this.#lastTop());
  }

  /** True when the last line is on the screen. */
  atEnd(): boolean {
    return this.#top >= this.#lastTop();
  }

  /** Offsets of the lines on the screen, `height` at most. */
  visible(): number[] {
    const offsets: number[] = [];
    if (this.#lines.end() <= this.#lines.start()) return offsets;
    for (let line: number | undefined = this.#top; line !== undefined && offsets.length < this.#height; ) {
      offsets.push(line);
      line = this.#lines.next(line);
    }
    return offsets;
  }

  /** Comes back to valid lines after the source shrank, dropped its beginning, or the height changed. */
  settle(): void {
    const start = this.#lines.start();
    if (this.#top < start) this.#top = this.#lines.at(start);
    const last = this.#lastTop();
    if (this.#top > last) this.#top = last;
  }

  /** Forgets what was known of the end: the bytes were replaced. */
  forget(): void {
    this.#lastPage = undefined;
  }

  /** The top of the last page, walked back from the end once for each end and height. */
  #lastTop(): number {
    const end = this.#lines.end();
    const start = this.#lines.start();
    if (end <= start) return start;
    const height = this.#height;
    if (this.#lastPage?.end === end && this.#lastPage.height === height && this.#lastPage.top >= start)
      return this.#lastPage.top;
    let top = this.#lines.at(end - 1);
    for (let row = 1; row < height; row++) {
      const previous = this.#lines.previous(top);
      if (previous === undefined) break;
      top = previous;
    }
    this.#lastPage = { end, height, top };
    return top;
  }
}
