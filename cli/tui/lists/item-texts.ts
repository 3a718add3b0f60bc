/** Separates the texts. Words of a filter contain no line break. */
const SEPARATOR = "\n";

/** Number of texts in a part. All texts in one string would need 20 MB of copies for 200,000. */
const PART = 4_096;

/**
 * Holds the texts of a list's items in lower case, in long strings. A search of 100,000 separate
 * texts takes ten times as long, because each needs a copy in lower case.
 */
export class ItemTexts {
  readonly #parts: TextsPart[] = [];
  readonly #count: number;

  constructor(items: readonly { text: string }[]) {
    this.#count = items.length;
    for (let at = 0; at < items.length; at += PART)
      this.#parts.push(new TextsPart(items.slice(at, at + PART).map(({ text }) => text)));
  }

  /**
   * Returns an array with 1 for each item that contains every word, else 0. Words are in lower
   * case, without blanks.
   */
  having(words: readonly string[]): Uint8Array {
    const found = new Uint8Array(this.#count).fill(1);
    this.#parts.forEach((part, index) => {
      const within = found.subarray(index * PART, (index + 1) * PART);
      for (const word of words) part.keepHaving(word, within);
    });
    return found;
  }
}

class TextsPart {
  readonly #texts: string;
  /** The offset of the end of each text. */
  readonly #ends: Int32Array;

  constructor(texts: readonly string[]) {
    const joined = texts.join(SEPARATOR);
    const lower = joined.toLowerCase();
    // A few letters are longer in lower case: İ (U+0130) becomes two code units.
    const isAligned = lower.length === joined.length;
    const parts = isAligned ? texts : texts.map((text) => text.toLowerCase());
    this.#texts = isAligned ? lower : parts.join(SEPARATOR);
    this.#ends = new Int32Array(texts.length);
    let end = -SEPARATOR.length;
    parts.forEach((text, index) => {
      end += SEPARATOR.length + text.length;
      this.#ends[index] = end;
    });
  }

  /** Sets `found` to 0 for each text without the word. */
  keepHaving(word: string, found: Uint8Array): void {
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
