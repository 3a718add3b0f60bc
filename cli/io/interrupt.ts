import { constants } from "node:os";
import { PortholeError } from "../../src/errors.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Forwards signals to remote commands, then ends this process with the same signal. */
export class Interrupt {
  readonly #listeners = new Set<(name: NodeJS.Signals) => void>();
  readonly #handle = (name: NodeJS.Signals) => {
    this.#received ??= name;
    for (const listener of this.#listeners) listener(name);
  };
  #received: NodeJS.Signals | undefined;

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#handle);
  }

  /** Acts as if this process had received the signal. */
  raise(name: NodeJS.Signals): void {
    this.#handle(name);
  }

  get received(): NodeJS.Signals | undefined {
    return this.#received;
  }

  /** Calls the listener for each signal until the returned function is called. */
  listen(listener: (name: NodeJS.Signals) => void): () => void {
    this.#listeners.add(listener);
    if (this.#received !== undefined) listener(this.#received);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for a task. Stops waiting, and rejects, when a signal arrives. */
  async orEnd<T>(task: Promise<T>): Promise<T> {
    let stop = () => {};
    const interrupted = new Promise<never>((_, reject) => {
      const remove = this.listen(() => reject(new PortholeError("CANCELLED", "interrupted")));
      stop = () => void remove();
    });
    try {
      return await Promise.race([task, interrupted]);
    } finally {
      stop();
    }
  }

  /** Ends the process if it received a signal; otherwise restores the default action of signals. */
  end(): void {
    for (const name of SIGNALS) process.off(name, this.#handle);
    // Node ignores SIGPIPE: exit with the status that a shell reports for it.
    if (this.#received === "SIGPIPE") process.exit(128 + constants.signals.SIGPIPE);
    if (this.#received !== undefined) process.kill(process.pid, this.#received);
  }
}
