/** Presses at one place within this are a double click, as most desktops have it. */
const DOUBLE_MS = 400;

/** Tells the second press of a double click. */
export class DoubleClick {
  #last: { row: number; column: number; at: number } | undefined;

  /** True for a press soon after one at the same place; a third one begins anew. `at`: milliseconds. */
  press(row: number, column: number, at: number): boolean {
    const last = this.#last;
    const isDouble = last?.row === row && last.column === column && at - last.at <= DOUBLE_MS;
    this.#last = isDouble ? undefined : { row, column, at };
    return isDouble;
  }
}
