import { signalJob } from "./job.ts";
import type { KeyInput } from "./key-input.ts";
import { type GuardHandlers, holdOutput, ProcessGuard } from "./process-guard.ts";
import { stopProcess } from "./suspend.ts";
import type { Terminal } from "./terminal.ts";

/** The end of the program: an exit status, or an error. */
export type Outcome = { status: number } | { error: unknown };

/** Takes the terminal, lends it to other programs, and restores it when the process stops. */
export class Foreground {
  readonly #terminal: Terminal;
  readonly #keys: KeyInput;
  readonly #resumed: () => void;
  #guard: ProcessGuard | undefined;
  #releaseOutput = () => {};
  #isOutside = false;
  #isOver = false;

  /**
   * `resumed` is called after the terminal is taken again. The content of the terminal is then
   * unknown. `guard`: the caller's, which {@link Foreground.guard} uses instead of its own.
   */
  constructor(terminal: Terminal, keys: KeyInput, resumed: () => void, guard?: ProcessGuard) {
    this.#terminal = terminal;
    this.#keys = keys;
    this.#resumed = resumed;
    this.#guard = guard;
  }

  /** False while another program has the terminal, and after the end. */
  get isOurs(): boolean {
    return !this.#isOutside && !this.#isOver;
  }

  /** Restores the terminal at the end of the program. */
  end(): void {
    this.#isOver = true;
    this.#terminal.leave();
  }

  /** Restores the terminal when the process ends or stops. Returns a function that undoes this. */
  guard(finish: (outcome: Outcome) => void): () => void {
    const handlers: GuardHandlers = {
      restore: () => this.#terminal.leave(),
      // While another program owns the terminal, it handles the keys that send signals.
      end: (status) => {
        if (this.#isOutside && (status === 130 || status === 131)) return;
        if (this.#isOutside) signalJob(status === 129 ? "SIGHUP" : "SIGTERM");
        finish({ status });
      },
      fail: (error) => finish({ error }),
      suspend: () => this.suspend(false),
      resume: () => {
        if (!this.#isOutside) this.#resume();
      },
    };
    if (this.#guard !== undefined) {
      this.#guard.handlers = handlers;
      return () => this.#releaseOutput();
    }
    const guard = new ProcessGuard(handlers);
    this.#guard = guard;
    return () => {
      guard[Symbol.dispose]();
      this.#releaseOutput();
    };
  }

  /** Keeps the output of other code off the screen until the end of the guard. */
  holdOutput(): void {
    this.#releaseOutput = holdOutput();
  }

  /** Lends the terminal to `action`. `pause`: wait for Enter afterwards. */
  async outside<T>(action: () => Promise<T>, pause: (result: T) => boolean): Promise<T> {
    this.#terminal.leave();
    this.#keys.ignore();
    this.#isOutside = true;
    // The other program suspends this process together with itself; otherwise the kernel does.
    process.off("SIGTSTP", this.#onStop);
    try {
      const result = await action();
      if (!this.#isOver && pause(result))
        await this.#keys.goesBack(() => this.#terminal.print("\nPress Enter to return to porthole "));
      return result;
    } finally {
      this.#isOutside = false;
      if (!this.#isOver) {
        process.on("SIGTSTP", this.#onStop);
        this.#keys.listen();
        this.#resume();
      }
    }
  }

  /** Stops this process, or with `group` its whole job. */
  suspend(group: boolean): void {
    this.#terminal.leave();
    stopProcess(this.#onStop, group, () => this.#resume());
  }

  #resume(): void {
    this.#terminal.enter();
    this.#resumed();
  }

  get #onStop(): () => void {
    return this.#guard?.onStop ?? (() => undefined);
  }
}
