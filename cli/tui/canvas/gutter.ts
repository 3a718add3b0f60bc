/** Draws the columns at the left of the text: line numbers, and marks for the selected range. */
export class Gutter {
  #digits = 0;
  #isRanged = false;

  /** Width in columns. */
  get width(): number {
    return (this.#digits > 0 ? this.#digits + 2 : 0) + (this.#isRanged ? 2 : 0);
  }

  /**
   * Makes room for line numbers up to `numbers`; 0 hides them. Does not become narrower while
   * numbers are visible, so that the text does not jump. Returns the width.
   */
  fit({ numbers, isRanged }: { numbers: number; isRanged: boolean }): number {
    this.#isRanged = isRanged;
    if (numbers === 0) this.#digits = 0;
    // Adds a column for the mark of an estimated number.
    else this.#digits = Math.max(this.#digits, String(numbers).length + 1, 5);
    return this.width;
  }

  row(line: { number: number; isExact: boolean } | undefined, isInRange: boolean): string {
    const mark = this.#isRanged ? (isInRange ? "\x1b[0;1m▌\x1b[m " : "  ") : "";
    if (this.#digits === 0) return mark;
    const text = line === undefined ? "" : `${line.isExact ? "" : "~"}${line.number}`;
    return `${mark}\x1b[0;2m${text.padStart(this.#digits)}\x1b[m  `;
  }
}
