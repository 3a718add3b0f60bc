/** Assumed delay of lines in milliseconds, until the first line of a stream has arrived. */
const INITIAL_MS = 20;
/** Milliseconds that are added to the slowest recent line. */
const MARGIN_MS = 1;

/**
 * The delay of streams, such as the output of containers. The size of a file shows whether it has
 * unread lines. A stream has no size, so lines wait as long as recent lines of streams took to
 * arrive.
 */
export class StreamDelay<Source> {
  readonly #maxMs: number;
  readonly #sources = new Set<Source>();
  #delayMs = INITIAL_MS;

  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  add(source: Source): void {
    this.#sources.add(source);
  }

  delete(source: Source): void {
    this.#sources.delete(source);
  }

  /** Measures the delay of a line, from its time to `now` (milliseconds since 1970). */
  saw(source: Source | undefined, time: number, now: number): void {
    if (source === undefined || !this.#sources.has(source)) return;
    const delay = Math.min(this.#maxMs, Math.max(0, now - time));
    this.#delayMs += (delay - this.#delayMs) * (delay > this.#delayMs ? 1 : 1 / 16);
  }

  /**
   * Milliseconds that a line waits for earlier lines of streams; undefined if it waits for none,
   * because there is no other stream.
   */
  holdMs(source: Source | undefined, time: number, now: number): number | undefined {
    const others = this.#sources.size - (source !== undefined && this.#sources.has(source) ? 1 : 0);
    if (others === 0) return undefined;
    return Math.max(MARGIN_MS, Math.min(this.#maxMs, time + this.#delayMs - now) + MARGIN_MS);
  }
}
