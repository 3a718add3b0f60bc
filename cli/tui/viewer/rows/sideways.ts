/** How lines are shown, as far as scrolling sideways depends on it. */
export interface Shape {
  isHex: boolean;
  /** True for wrapped lines, which do not scroll sideways. */
  isWrapped: boolean;
}

/** Columns that are scrolled out at the left. The hex dump scrolls separately. */
export class Sideways {
  #text = 0;
  /** The column before {@link shiftTo}. */
  #chosen = 0;
  #hex = 0;

  left({ isHex, isWrapped }: Shape): number {
    if (isHex) return this.#hex;
    return isWrapped ? 0 : this.#text;
  }

  toColumn(column: number, { isHex, isWrapped }: Shape): void {
    if (isHex) this.#hex = Math.max(0, column);
    else if (!isWrapped) this.#text = this.#chosen = Math.max(0, column);
  }

  /** Scrolls the text until {@link restore}, such as while the screen is narrower. */
  shiftTo(column: number): void {
    this.#text = Math.max(0, column);
  }

  restore(): void {
    this.#text = this.#chosen;
  }

  /** Shows the first columns of the hex dump. */
  resetHex(): void {
    this.#hex = 0;
  }
}
