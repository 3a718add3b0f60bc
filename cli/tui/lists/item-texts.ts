/** Separates the texts. Words of a filter contain no line break. */
const SEPARATOR = "\n";

/**
 * Holds the texts of a list's items in lower case, in one string. A search of 100,000 separate
 * texts takes ten times as long, because each needs a copy in lower case.
 */
export class ItemTexts {
  readonly #texts: string;
  /** The offset of the end of each item's text. */
  readonly #ends: Int32Array;

  constructor(items: readonly { text: string }[]) {
    const joined = items.map(({ text }) => text).join(SEPARATOR);
    const lower = joined.toLowerCase();
    // A few letters are longer in lower case: İ (U+0130) becomes two code units.
    const isAligned = lower.length === joined.length;
    const texts = isAligned ? undefined : items.map(({ text }) => text.toLowerCase());
    this.#texts = texts?.join(SEPARATOR) ?? lower;
    this.#ends = new Int32Array(items.length);
    let end = -SEPARATOR.length;
    items.forEach(({ text }, index) => {
      end += SEPARATOR.length + (texts?.[index] ?? text).length;
      this.#ends[index] = end;
    });
  }

  /**
   * Returns an array with 1 for each item that contains every word, else 0. Words are in lower
   * case, without blanks.
   */
  having(words: readonly string[]): Uint8Array {
    const found = new Uint8Array(this.#ends.length).fill(1);
    for (const word of words) this.#keepHaving(word, found);
    return found;
  }

  #keepHaving(word: string, found: Uint8Array): void {
    let kept = 0;
    for (let at = this.#texts.indexOf(word); at !== -1; ) {
      let index = kept;
      while ((this.#ends[index] ?? Number.POSITIVE_INFINITY) < at) index++;
      if (kept < index) found.fill(0, kept, index);
      kept = index + 1;
      const end = this.#ends[index] ?? this.#texts.length;
      at = this.#texts.indexOf(word, end + SEPARATOR.length);
    }
    found.fill(0, kept);
  }
}
