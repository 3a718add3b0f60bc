/** One timer for all listeners of the same interval. */
class Ticker {
  readonly #listeners = new Set<() => void>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => {
      for (const each of this.#listeners) each();
    }, this.#intervalMs);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }
}

const tickers = new Map<number, Ticker>();

/** Calls `listener` every `intervalMs` until the returned function is called. It must not throw. */
export function onTick(intervalMs: number, listener: () => void): () => void {
  const ticker = tickers.get(intervalMs) ?? new Ticker(intervalMs);
  tickers.set(intervalMs, ticker);
  return ticker.add(listener);
}
