import { signalJob } from "./job.ts";
import type { KeyInput } from "./key-input.ts";
import { guardProcess, holdOutput } from "./process-guard.ts";
import { stopProcess } from "./suspend.ts";
import type { Terminal } from "./terminal.ts";

/** The end of the program: an exit status, or an error. */
export type Outcome = { status: number } | { error: unknown };

/** Takes the terminal, lends it to other programs, and restores it when the process stops. */
export class Foreground {
  readonly #terminal: Terminal;
  readonly #keys: KeyInput;
  readonly #resumed: () => void;
  #releaseOutput = () => {};
  #isOutside = false;
  #isOver = false;

  /**
   * `resumed` is called after the terminal is taken again. The content of the terminal is then
   * unknown.
   */
  constructor(terminal: Terminal, keys: KeyInput, resumed: () => void) {
    this.#terminal = terminal;
    this.#keys = keys;
    this.#resumed = resumed;
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
    const release = guardProcess({
      restore: () => this.#terminal.leave(),
      // While another program owns the terminal, it handles the keys that send signals.
      end: (status) => {
        if (this.#isOutside && (status === 130 || status === 131)) return;
        if (this.#isOutside) signalJob(status === 129 ? "SIGHUP" : "SIGTERM");
        finish({ status });
      },
      fail: (error) => finish({ error }),
      suspend: this.#onSuspend,
      resume: () => {
        if (!this.#isOutside) this.#resume();
      },
    });
    return () => {
      release();
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
    process.off("SIGTSTP", this.#onSuspend);
    try {
      const result = await action();
      if (!this.#isOver && pause(result))
        await this.#keys.goesBack(() => this.#terminal.print("\nPress Enter to return to porthole "));
      return result;
    } finally {
      this.#isOutside = false;
      if (!this.#isOver) {
        process.on("SIGTSTP", this.#onSuspend);
        this.#keys.listen();
        this.#resume();
      }
    }
  }

  /** Stops this process, or with `group` its whole job. */
  suspend(group: boolean): void {
    this.#terminal.leave();
    stopProcess(this.#onSuspend, group, () => this.#resume());
  }

  #resume(): void {
    this.#terminal.enter();
    this.#resumed();
  }

  readonly #onSuspend = (): void => this.suspend(false);
}
