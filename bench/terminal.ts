import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** Ends a frame of porthole's screen. */
export const FRAME_END = "\x1b[?2026l";

/** Start of a completely drawn row 1. */
const FIRST_ROW = "\x1b[1;1H\x1b[K";

/** A program on its own terminal (bench/c/pty.c), with its output. */
export class BenchTerminal {
  readonly #child: ChildProcessWithoutNullStreams;
  /** Resolves when the program has ended. */
  readonly ended: Promise<void>;
  /** The program's process id. */
  pid = 0;
  #screen = "";
  #received = 0;
  #lastAt = 0;
  #waiting: (() => void) | undefined;

  constructor(
    pty: string,
    size: { columns: number; rows: number },
    command: readonly string[],
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#child = spawn(pty, [`${size.columns}`, `${size.rows}`, ...command], {
      env: { ...env, TERM: "xterm-256color" },
    });
    this.#child.stderr.once("data", (text) => {
      this.pid = Number(text);
    });
    this.#child.stdout.setEncoding("latin1").on("data", (text: string) => {
      this.#received += text.length;
      this.#lastAt = performance.now();
      // Drop old output, to bound the memory.
      this.#screen = (this.#screen + text).slice(-1_000_000);
      this.#waiting?.();
    });
    this.ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
  }

  /** Number of bytes that the program has sent. */
  get received(): number {
    return this.#received;
  }

  /** Time of the last byte, by performance.now(). */
  get lastAt(): number {
    return this.#lastAt;
  }

  /** Types keys and drops earlier output. */
  type(text: string): void {
    this.#screen = "";
    this.#child.stdin.write(text);
  }

  /**
   * Returns the output since the last {@link type} when it fulfils the condition. @throws after a
   * minute
   */
  async until(condition: (screen: string) => boolean): Promise<string> {
    const deadline = performance.now() + 120_000;
    while (!condition(this.#screen)) {
      if (performance.now() > deadline) throw new Error(`the screen never came; it was ${this.#screen.slice(-2000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiting = undefined;
    }
    return this.#screen;
  }

  /**
   * Milliseconds from the keys to the end of the first frame after them. The program must be idle.
   */
  async frameAfter(keys: string): Promise<number> {
    const started = performance.now();
    this.type(keys);
    await this.until((screen) => screen.includes(FRAME_END));
    return this.#lastAt - started;
  }

  /** Waits for this many milliseconds without output. */
  async quiet(milliseconds: number): Promise<void> {
    for (let before = -1; before !== this.#received; ) {
      before = this.#received;
      await pause(milliseconds);
    }
  }

  /**
   * Milliseconds from the keys to the last byte before a pause of this length, after output that
   * has `begun`.
   */
  async settled(keys: string, milliseconds: number, begun = hasFrame): Promise<number> {
    const started = performance.now();
    this.type(keys);
    await this.until(begun);
    await this.quiet(milliseconds);
    return this.#lastAt - started;
  }

  /** The redrawn screen without styles. */
  async redrawn(): Promise<string> {
    this.type("\x0c");
    // A pending frame lacks the first row, or a part of it.
    const text = await this.until(
      (screen) => screen.includes(FRAME_END, screen.indexOf(FIRST_ROW) + 1) && screen.includes(FIRST_ROW),
    );
    return text.slice(text.indexOf(FIRST_ROW)).replace(/\x1b\[[0-9;?]*[A-Za-z]/g, " ");
  }

  /** Returns the resident memory of the program, in MB. */
  memory(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1]) / 1000;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    this.#child.kill();
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function hasFrame(screen: string): boolean {
  return screen.includes(FRAME_END);
}
