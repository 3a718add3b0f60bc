/** Ends a search after a number of matches, once the last one's context was shown. */
export class MatchLimit {
  readonly #limit: number;
  readonly #after: number;
  #contextLeft = 0;
  /** Lines that matched. */
  count = 0;

  constructor(limit = Number.POSITIVE_INFINITY, after = 0) {
    this.#limit = limit;
    this.#after = after;
  }

  /** A line matched, or several. Beyond the limit it is but context of the last one within it. */
  matched(count = 1): void {
    this.count += count;
    if (this.count > this.#limit) this.context();
    else this.#contextLeft = this.#after;
  }

  /** A line of context after a match was shown. */
  context(): void {
    this.#contextLeft = Math.max(0, this.#contextLeft - 1);
  }

  get isReached(): boolean {
    return this.count >= this.#limit && this.#contextLeft === 0;
  }
}
