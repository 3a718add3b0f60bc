/** Maximum number of calls of {@link onRound}'s listeners in one tick. */
const MAX_CALLS = 500;

/**
 * Gets the time of performance.now(). Returns true to be called at the next tick again, whatever
 * the number of listeners.
 */
type RoundListener = (now: number) => boolean;

/** One timer for all listeners of the same interval. */
class Ticker {
  readonly #listeners = new Set<() => void>();
  readonly #round = new Set<RoundListener>();
  readonly #urgent = new Set<RoundListener>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** The rest of the current round. */
  #rest: Iterator<RoundListener> | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  add(listener: () => void): () => void {
    return this.#added(this.#listeners, listener);
  }

  addToRound(listener: RoundListener): () => void {
    const end = this.#added(this.#round, listener);
    return () => {
      this.#urgent.delete(listener);
      end();
    };
  }

  #added<Listener>(to: Set<Listener>, listener: Listener): () => void {
    to.add(listener);
    this.#timer ??= setInterval(() => this.#tick(), this.#intervalMs);
    return () => {
      to.delete(listener);
      if (this.#listeners.size + this.#round.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #tick(): void {
    for (const each of this.#listeners) each();
    const now = performance.now();
    const urgent = new Set(this.#urgent);
    for (const each of urgent) this.#call(each, now);
    for (let left = Math.min(MAX_CALLS, this.#round.size); left > 0; left--) {
      const each = this.#nextOfRound();
      if (each !== undefined && !urgent.has(each)) this.#call(each, now);
    }
  }

  #nextOfRound(): RoundListener | undefined {
    const next = this.#rest?.next();
    if (next?.done === false) return next.value;
    this.#rest = this.#round.values();
    return this.#rest.next().value;
  }

  #call(listener: RoundListener, now: number): void {
    if (!this.#round.has(listener)) return;
    if (listener(now)) this.#urgent.add(listener);
    else this.#urgent.delete(listener);
  }
}

const tickers = new Map<number, Ticker>();

/** Calls `listener` every `intervalMs` until the returned function is called. It must not throw. */
export function onTick(intervalMs: number, listener: () => void): () => void {
  return tickerOf(intervalMs).add(listener);
}

/**
 * Like {@link onTick}, for any number of listeners: each tick calls a limited number of them in
 * turn, so that the time of a tick does not grow with their number.
 */
export function onRound(intervalMs: number, listener: RoundListener): () => void {
  return tickerOf(intervalMs).addToRound(listener);
}

function tickerOf(intervalMs: number): Ticker {
  const ticker = tickers.get(intervalMs) ?? new Ticker(intervalMs);
  tickers.set(intervalMs, ticker);
  return ticker;
}
