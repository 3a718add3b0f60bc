/**
 * Keeps the position over changes of the encoding. In a wrong encoding the bytes may have no lines,
 * and the position would be lost.
 */
export class EncodingTurn {
  #turned: { shown: number; original: number } | undefined;

  /**
   * Returns the position that the line `shown` had before the last change, if it did not move
   * since.
   */
  originalOf(shown: number): number {
    return shown === this.#turned?.shown ? this.#turned.original : shown;
  }

  /** `shown`: the line that is at the top after a change. */
  turned(shown: number, original: number): void {
    this.#turned = { shown, original };
  }
}
