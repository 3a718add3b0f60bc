import { KeyParser, type TerminalEvent } from "../keymap/keys.ts";

/**
 * Bytes after ESC that belong to one key come in one piece nearly always; over a slow connection
 * within this. It is part of what Esc takes to cancel (50 ms).
 */
const ESCAPE_MS = 20;

/**
 * Pieces of an answer of the terminal's may be so far apart; typed text is no part of it after
 * that.
 */
const ANSWER_MS = 500;

/** Enter, and the usual keys to leave a program: ^C, ^D and `q`. */
const GOES_BACK = [0x0d, 0x0a, 0x03, 0x04, 0x71];

/** Hears the keys of a terminal, and that there will be none any more. */
export class KeyInput {
  readonly #input: NodeJS.ReadStream;
  readonly #parser = new KeyParser();
  readonly #onKey: (event: TerminalEvent) => void;
  readonly #onEnd: () => void;
  #escape: NodeJS.Timeout | undefined;

  constructor(input: NodeJS.ReadStream, onKey: (event: TerminalEvent) => void, onEnd: () => void) {
    this.#input = input;
    this.#onKey = onKey;
    this.#onEnd = onEnd;
  }

  open(): void {
    this.#input.on("end", this.#onEnd).on("error", this.#onEnd);
    this.listen();
  }

  /** From now on, or again. */
  listen(): void {
    this.#input.on("data", this.#take).resume();
  }

  /** Leaves the input to another program. */
  ignore(): void {
    this.#input.off("data", this.#take).pause();
  }

  /**
   * Asks, and waits for Enter or its like. Read as raw bytes: in a terminal that takes whole lines
   * ^D is the end of all input, and ^C a signal.
   */
  goesBack(ask: () => void): Promise<void> {
    this.#input.setRawMode(true);
    ask();
    return new Promise((resolve) => {
      const take = (chunk: Buffer): void => {
        if (!chunk.some((byte) => GOES_BACK.includes(byte))) return;
        this.#input.off("data", take).pause();
        resolve();
      };
      this.#input.on("data", take).resume();
    });
  }

  /** Nothing is heard afterwards; an error of the input is still caught until {@link release}. */
  close(): void {
    clearTimeout(this.#escape);
    this.#input.off("end", this.#onEnd);
    this.ignore();
  }

  release(): void {
    this.#input.off("error", this.#onEnd);
  }

  readonly #take = (chunk: Buffer): void => {
    clearTimeout(this.#escape);
    for (const event of this.#parser.push(chunk)) this.#onKey(event);
    if (!this.#parser.waiting) return;
    this.#escape = setTimeout(
      () => {
        for (const event of this.#parser.flush()) this.#onKey(event);
      },
      this.#parser.isInAnswer ? ANSWER_MS : ESCAPE_MS,
    );
  };
}
