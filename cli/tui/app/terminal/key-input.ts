import type { RawMode } from "../../../../src/descriptors/index.ts";
import { KeyParser, type TerminalEvent } from "../../keymap/keys.ts";

/**
 * Milliseconds to wait after ESC. Bytes of one key nearly always arrive within this time, even over
 * a slow connection. Esc may take 50 ms to cancel, this wait included.
 */
const ESCAPE_MS = 20;

/** Maximum milliseconds between pieces of a terminal's answer. Later bytes are typed text. */
const ANSWER_MS = 500;

/** Enter, and the usual keys to leave a program: ^C, ^D and `q`. */
const GOES_BACK = [0x0d, 0x0a, 0x03, 0x04, 0x71];

/** Receives the keys of a terminal. */
export interface KeyHandler {
  key(event: TerminalEvent): void;
  /** Called after the keys that arrived together. */
  done(): void;
}

/** Reads keys of a terminal, and reports the end of its input. */
export class KeyInput {
  readonly #rawMode: RawMode;
  readonly #parser = new KeyParser();
  readonly #handler: KeyHandler;
  readonly #onEnd: () => void;
  #escape: NodeJS.Timeout | undefined;

  /** Does not load Node's streams: {@link open} does, after the first frame. */
  constructor(rawMode: RawMode, handler: KeyHandler, onEnd: () => void) {
    this.#rawMode = rawMode;
    this.#handler = handler;
    this.#onEnd = onEnd;
  }

  get #input(): NodeJS.ReadStream {
    return process.stdin;
  }

  open(): void {
    this.#input.on("end", this.#onEnd).on("error", this.#onEnd);
    this.listen();
  }

  /** Starts or resumes reading. */
  listen(): void {
    this.#input.on("data", this.#take).resume();
  }

  /** Stops reading: another program uses the input. */
  ignore(): void {
    this.#input.off("data", this.#take).pause();
  }

  /**
   * Prompts, and waits for Enter or a similar key. Reads in raw mode: in line mode, ^D would end
   * all input, and ^C would be a signal.
   */
  goesBack(ask: () => void): Promise<void> {
    this.#rawMode.enable();
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

  /** Stops reading at the end of the program. Catches input errors until {@link release}. */
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
    this.#handle(this.#parser.push(chunk));
    if (!this.#parser.waiting) return;
    this.#escape = setTimeout(
      () => this.#handle(this.#parser.flush()),
      this.#parser.isInAnswer ? ANSWER_MS : ESCAPE_MS,
    );
  };

  #handle(events: readonly TerminalEvent[]): void {
    for (const event of events) this.#handler.key(event);
    this.#handler.done();
  }
}
