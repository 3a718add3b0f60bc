import { closeSync, constants, openSync, writeSync } from "node:fs";

/**
 * Alternate screen, no cursor, bracketed paste, no automatic wrap (a row that is too wide for this
 * terminal then hurts nothing else).
 */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?7l\x1b[m";

/** Presses, drags and the wheel, reported in SGR form (xterm, "Mouse Tracking"). */
const MOUSE_ON = "\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF = "\x1b[?1006l\x1b[?1002l";

/**
 * Undoes ENTER and everything that a frame could have left half done: synchronised output, scroll
 * region, style.
 */
const RESTORE = "\x1b[?2026l\x1b[r\x1b[m\x1b[?7h\x1b[?2004l\x1b[?25h\x1b[?1049l";

/** Ends a control sequence that was cut short (CAN, ECMA-48 8.3.6). */
const CANCEL = "\x18";

/** A terminal that does not take bytes (Ctrl-S, a stalled connection) is tried again after this. */
const RETRY_MS = 8;
/** And no exit waits longer than this for it. */
const RESTORE_DEADLINE_MS = 500;

/**
 * The terminal's modes and its output. Output goes to a descriptor of its own that does not block,
 * so that a terminal which takes nothing holds up no key and no signal: one frame may be on its
 * way, and frames that are ready meanwhile are never made (see {@link Terminal.busy}).
 */
export class Terminal {
  readonly #stdin: typeof process.stdin;
  readonly #stdout: typeof process.stdout;
  readonly #fd: number;
  readonly #ownsFd: boolean;
  #pending = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #entered = false;
  #mouse = false;
  /** Called when a frame that had to wait is out. */
  onDrain: () => void = () => {};

  constructor(stdin: typeof process.stdin, stdout: typeof process.stdout) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    const own = reopen(stdout.fd);
    this.#fd = own ?? stdout.fd;
    this.#ownsFd = own !== undefined;
  }

  get columns(): number {
    return Math.max(1, this.#stdout.columns || 80);
  }

  get rows(): number {
    return Math.max(1, this.#stdout.rows || 24);
  }

  /** True while an earlier frame is not out: do not make another. */
  get busy(): boolean {
    return this.#pending.length > 0;
  }

  /** Takes the terminal over; again after a suspension too. */
  enter(): void {
    // libuv remembers the mode that it set. Another program may have changed the mode while this
    // process was stopped, so turn it off first.
    this.#stdin.setRawMode(false);
    this.#stdin.setRawMode(true);
    this.#entered = true;
    this.write(this.#mouse ? ENTER + MOUSE_ON : ENTER);
  }

  /**
   * Takes the mouse, or gives it back: while it is taken, the terminal's own selection needs Shift.
   * True when it is taken now.
   */
  toggleMouse(): boolean {
    this.#mouse = !this.#mouse;
    this.write(this.#mouse ? MOUSE_ON : MOUSE_OFF);
    return this.#mouse;
  }

  /** Writes on the user's own screen, while it is given back. */
  print(text: string): void {
    this.#writeAll(Buffer.from(text));
  }

  /**
   * OSC 52 (xterm): the terminal keeps these bytes as what was copied, also over ssh. Nothing but
   * base64 is sent.
   */
  copy(bytes: Uint8Array): void {
    this.write(`\x1b]52;c;${Buffer.from(bytes).toString("base64")}\x07`);
  }

  write(text: string): void {
    if (text === "") return;
    this.#pending = Buffer.concat([this.#pending, Buffer.from(text)]);
    this.#flush();
  }

  /**
   * Gives the terminal back as it was. Synchronous and idempotent: also for signal and exit
   * handlers.
   */
  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    clearTimeout(this.#retry);
    const cut = this.busy;
    this.#pending = Buffer.alloc(0);
    // Setting modes waits for the output to drain (TCSADRAIN in libuv). Where nothing drains, Node
    // resets them at exit without waiting.
    if (!this.#writeAll(Buffer.from((cut ? CANCEL : "") + (this.#mouse ? MOUSE_OFF : "") + RESTORE))) return;
    try {
      this.#stdin.setRawMode(false);
    } catch {
      // The terminal is gone (SIGHUP): there is nothing to give back.
    }
  }

  close(): void {
    this.leave();
    if (this.#ownsFd) closeSync(this.#fd);
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

  /** True when all of it is out in time. */
  #writeAll(bytes: Buffer): boolean {
    const deadline = Date.now() + RESTORE_DEADLINE_MS;
    let rest = bytes;
    while (rest.length > 0 && Date.now() < deadline) {
      const count = this.#tryWrite(rest);
      rest = rest.subarray(count);
      if (count === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
    return rest.length === 0;
  }

  /**
   * Bytes taken; 0 when the terminal takes none now. Of a terminal that is gone (EIO), everything.
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
 * The same terminal as an open file description of its own, so that O_NONBLOCK does not reach the
 * shell's. Undefined where that is not allowed (after su, for one): then writes block as
 * everybody's do.
 */
function reopen(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}
