/** Maximum bytes that wait for the viewer. Above it, backpressure stops the writers. */
const MAX_WAITING = 1024 * 1024;

/** A queue of rows between the sources of a merged follow and the viewer that reads them. */
export class RowQueue {
  readonly #ready: Buffer[] = [];
  #waiting = 0;
  /** Number of bytes that were ever added. */
  #total = 0;
  #wake: () => void = () => undefined;
  /** Resolvers of writes that wait until the viewer has read bytes. */
  readonly #held: (() => void)[] = [];
  /** True once nothing reads the rows. */
  #hasEnded = false;

  get total(): number {
    return this.#total;
  }

  /** Adds a row. Resolves when the queue accepts more. */
  async put(row: Buffer): Promise<void> {
    this.#ready.push(row);
    this.#waiting += row.length;
    this.#total += row.length;
    this.#wake();
    if (this.#waiting > MAX_WAITING && !this.#hasEnded) await new Promise<void>((resolve) => this.#held.push(resolve));
  }

  /**
   * Yields the rows while `running` writes them, until the signal aborts.
   * @throws what `running` throws
   */
  async *rows(running: Promise<void>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let failure: unknown;
    const onAbort = () => {
      this.#hasEnded = true;
      this.#wake();
      this.#release();
    };
    signal.addEventListener("abort", onAbort);
    running.catch((error) => {
      failure = error;
      this.#wake();
    });
    try {
      while (!signal.aborted) {
        const batch = Buffer.concat(this.#ready.splice(0));
        this.#waiting = 0;
        this.#release();
        if (batch.length > 0) yield batch;
        else if (failure !== undefined) throw failure;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      // The writers end only if they need not wait for a reader.
      onAbort();
      await running.catch(() => undefined);
    }
  }

  #release(): void {
    for (const go of this.#held.splice(0)) go();
  }
}
