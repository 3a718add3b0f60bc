/** Requests marks from one place, one at a time. */
export class MarkAsker {
  readonly #ask: () => void;
  readonly #lostMs: number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsked = false;

  /** @param lostMs milliseconds after which a request without an answer is repeated */
  constructor(ask: () => void, lostMs: number) {
    this.#ask = ask;
    this.#lostMs = lostMs;
  }

  /**
   * Sends a request, unless one is pending or the last one is less than `pauseMs` old. Returns the
   * milliseconds until the next request is possible.
   */
  ask(now: number, pauseMs: number): number {
    const waitMs = this.#askedAt + (this.#isAsked ? this.#lostMs : pauseMs) - now;
    if (waitMs > 0) return waitMs;
    this.#askedAt = now;
    this.#isAsked = true;
    this.#ask();
    return this.#lostMs;
  }

  /** Call when a mark has arrived. */
  answered(): void {
    this.#isAsked = false;
  }
}
