/** Milliseconds between heartbeats of a remote command. Tests shorten it. */
export const HEARTBEAT_MS = Number(process.env.PORTHOLE_BEAT_MS) || 10_000;
/** Number of heartbeats in succession that must be missing. */
const MISSING = 4;
/** Maximum milliseconds until an engine responds to a request for a command. Tests shorten it. */
export const RESPONSE_MS = Number(process.env.PORTHOLE_RESPONSE_MS) || 40_000;

/**
 * Detects a remote command that no longer sends heartbeats: its machine is gone, or the engine has
 * left the connection open after the end of the helper (Docker 20.10).
 */
export class Pulse implements Disposable {
  readonly #onSilent: () => void;
  #timer: NodeJS.Timeout | undefined;
  #missing = 0;
  /** Number of outputs that wait for their reader. The heartbeats then wait behind the output. */
  #waiting = 0;

  constructor(onSilent: () => void) {
    this.#onSilent = onSilent;
  }

  /** Call at each heartbeat. Until the first one, silence has no meaning: older agents send none. */
  begin(): void {
    this.#timer ??= setInterval(() => this.#tick(), HEARTBEAT_MS);
  }

  /** Call when bytes have arrived. Waits until they are written. */
  async during(written: void | Promise<void>): Promise<void> {
    this.#missing = 0;
    this.#waiting++;
    try {
      await written;
    } finally {
      this.#waiting--;
      this.#missing = 0;
    }
  }

  /** Counts intervals, and not time: this process may have been suspended. */
  #tick(): void {
    this.#missing = this.#waiting > 0 ? 0 : this.#missing + 1;
    if (this.#missing >= MISSING) this.#onSilent();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
