/** How lines are shown, as far as scrolling sideways depends on it. */
export interface Shape {
  isHex: boolean;
  /** True for wrapped lines, which do not scroll sideways. */
  isWrapped: boolean;
}

/** Columns that are scrolled out at the left. The hex dump scrolls separately. */
export class Sideways {
  #text = 0;
  #hex = 0;

  left({ isHex, isWrapped }: Shape): number {
    if (isHex) return this.#hex;
    return isWrapped ? 0 : this.#text;
  }

  toColumn(column: number, { isHex, isWrapped }: Shape): void {
    if (isHex) this.#hex = Math.max(0, column);
    else if (!isWrapped) this.#text = Math.max(0, column);
  }

  /** Shows the first columns of the hex dump. */
  resetHex(): void {
    this.#hex = 0;
  }
}
