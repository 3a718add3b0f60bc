import { closeSync, constants, openSync, writeSync } from "node:fs";
import { RawMode, terminalSize } from "../../../../src/descriptors/index.ts";

/**
 * Alternate screen, no cursor, bracketed paste, no automatic wrap. Without wrap, a row that is too
 * wide for this terminal affects no other row.
 */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?7l\x1b[m";

/** Presses, drags and the wheel, reported in SGR form (xterm, "Mouse Tracking"). */
const MOUSE_ON = "\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF = "\x1b[?1006l\x1b[?1002l";

/** Undoes ENTER and any state of an incomplete frame: synchronised output, scroll region, style. */
const RESTORE = "\x1b[?2026l\x1b[r\x1b[m\x1b[?7h\x1b[?2004l\x1b[?25h\x1b[?1049l";

/** Ends a control sequence that was cut short (CAN, ECMA-48 8.3.6). */
const CANCEL = "\x18";

const STDOUT = 1;

/**
 * Milliseconds between retries while a terminal accepts no bytes (Ctrl-S, a stalled connection).
 */
const RETRY_MS = 8;
/** Maximum milliseconds that an exit waits for the terminal. */
const RESTORE_DEADLINE_MS = 500;

/**
 * The terminal's modes and its output. Output goes to a separate non-blocking descriptor, so that a
 * stalled terminal delays no key and no signal. While a frame is pending, no other frame is made
 * (see {@link Terminal.busy}).
 */
export class Terminal {
  #size: { columns: number; rows: number };
  readonly #fd: number;
  readonly #ownsFd: boolean;
  /** The modes of standard input. */
  readonly input = new RawMode(0);
  #pending = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #entered = false;
  #isClosed = false;
  #mouse = false;
  /** Called when a pending frame is written completely. */
  onDrain: () => void = () => {};

  constructor() {
    this.#size = terminalSize(STDOUT);
    const own = reopen(STDOUT);
    this.#fd = own ?? STDOUT;
    this.#ownsFd = own !== undefined;
  }

  get columns(): number {
    return Math.max(1, this.#size.columns || 80);
  }

  get rows(): number {
    return Math.max(1, this.#size.rows || 24);
  }

  /** True while an earlier frame is pending: do not make another. */
  get busy(): boolean {
    return this.#pending.length > 0;
  }

  /** True from {@link enter} to {@link leave}. */
  get isEntered(): boolean {
    return this.#entered;
  }

  /** Sets the terminal up, at the start and after a stop. */
  enter(): void {
    this.input.enable();
    this.resized();
    this.#entered = true;
    this.write(this.#mouse ? ENTER + MOUSE_ON : ENTER);
  }

  /** Reads the terminal's size again. */
  resized(): void {
    this.#size = terminalSize(STDOUT);
  }

  /**
   * Turns mouse reports on or off. While they are on, the terminal's own selection needs Shift.
   * Returns whether they are on now.
   */
  toggleMouse(): boolean {
    this.#mouse = !this.#mouse;
    this.write(this.#mouse ? MOUSE_ON : MOUSE_OFF);
    return this.#mouse;
  }

  /** Writes on the user's own screen, while that screen is visible. */
  print(text: string): void {
    this.#writeAll(Buffer.from(text));
  }

  /**
   * OSC 52 (xterm): puts these bytes on the terminal's clipboard, also over ssh. Sends only base64.
   */
  copy(bytes: Uint8Array): void {
    this.write(`\x1b]52;c;${Buffer.from(bytes).toString("base64")}\x07`);
  }

  write(text: string): void {
    if (text === "") return;
    const bytes = Buffer.from(text);
    this.#pending = this.busy ? Buffer.concat([this.#pending, bytes]) : bytes;
    this.#flush();
  }

  /** Restores the terminal. Synchronous and idempotent, for signal and exit handlers. */
  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    clearTimeout(this.#retry);
    const cut = this.busy;
    this.#pending = Buffer.alloc(0);
    this.#writeAll(Buffer.from((cut ? CANCEL : "") + (this.#mouse ? MOUSE_OFF : "") + RESTORE));
    this.input.disable();
  }

  /** Restores the terminal. Idempotent. */
  close(): void {
    this.leave();
    if (this.#ownsFd && !this.#isClosed) closeSync(this.#fd);
    this.#isClosed = true;
  }

  #flush(): void {
    clearTimeout(this.#retry);
    while (this.#pending.length > 0) {
      const count = this.#tryWrite(this.#pending);
      this.#pending = this.#pending.subarray(count);
      if (count === 0) {
        this.#retry = setTimeout(() => {
          this.#flush();
          if (!this.busy) this.onDrain();
        }, RETRY_MS);
        return;
      }
    }
  }

  /** Writes the bytes that the terminal accepts in time. */
  #writeAll(bytes: Buffer): void {
    const deadline = Date.now() + RESTORE_DEADLINE_MS;
    let rest = bytes;
    while (rest.length > 0 && Date.now() < deadline) {
      const count = this.#tryWrite(rest);
      rest = rest.subarray(count);
      if (count === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }

  /**
   * Returns the number of bytes written; 0 if the terminal accepts none now. Counts all bytes as
   * written if the terminal is gone (EIO).
   */
  #tryWrite(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "EAGAIN" || code === "EINTR" ? 0 : bytes.length;
    }
  }
}

/**
 * Opens the same terminal as a new open file description, so that O_NONBLOCK does not affect the
 * shell's. Undefined if that is not permitted, for example after su. Writes then block, as in any
 * program.
 */
function reopen(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}
