/** Maximum milliseconds between the presses of a double click, as in most desktops. */
const DOUBLE_MS = 400;

/** Detects double clicks. */
export class DoubleClick {
  #last: { row: number; column: number; at: number } | undefined;

  /**
   * True for a second press at the same position within the limit. A third press starts a new
   * double click. `at`: milliseconds.
   */
  press(row: number, column: number, at: number): boolean {
    const last = this.#last;
    const isDouble = last?.row === row && last.column === column && at - last.at <= DOUBLE_MS;
    this.#last = isDouble ? undefined : { row, column, at };
    return isDouble;
  }
}
