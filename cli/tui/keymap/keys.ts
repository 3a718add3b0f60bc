import { decodeText } from "../../../src/text/index.ts";

/**
 * A key press: a character (`j`, `é`, ` `), or a name (`up`, `pagedown`, `enter`, `escape`,
 * `ctrl-c`, `alt-x`). Pasted text is one event.
 */
export type KeyEvent =
  | { kind: "key"; key: string }
  | { kind: "paste"; text: string }
  /** Mouse event, if reports are on; row and column from 0. */
  | { kind: "mouse"; what: MouseAction; column: number; row: number };

/** `drag`: the mouse moves while its left button is pressed. */
export type MouseAction = "wheel-up" | "wheel-down" | "press" | "drag" | "release";

/** An event from the terminal: a key, or an answer. */
export type TerminalEvent = KeyEvent | BackgroundReport;

/** The terminal's answer to {@link ASK_BACKGROUND}: components from 0 to 1. */
export interface BackgroundReport {
  kind: "background";
  red: number;
  green: number;
  blue: number;
}

/** Requests the background colour (xterm, "Operating System Commands", 11). */
export const ASK_BACKGROUND = "\x1b]11;?\x1b\\";

const ESC = 0x1b;
/** Maximum bytes of a sequence; a longer one is dropped. */
const MAX_SEQUENCE = 4096;
/** Maximum bytes of a paste. Drops the rest up to its end: as keys it would run commands. */
const MAX_PASTE = 1024 * 1024;

const TILDE = 0x7e;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

const PASTE_END = Buffer.from("\x1b[201~");
const CTRL_C = 3;

/** Final bytes of CSI and SS3 (xterm, "PC-Style Function Keys"). */
const FINALS: Readonly<Record<string, string>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  H: "home",
  F: "end",
  Z: "backtab",
  P: "f1",
  Q: "f2",
  R: "f3",
  S: "f4",
};

/** `CSI n ~` (xterm, VT220 style; 7 and 8 are rxvt's). The numbering of F keys has gaps. */
const TILDES: Readonly<Record<string, string>> = {
  "1": "home",
  "2": "insert",
  "3": "delete",
  "4": "end",
  "5": "pageup",
  "6": "pagedown",
  "7": "home",
  "8": "end",
  "11": "f1",
  "12": "f2",
  "13": "f3",
  "14": "f4",
  "15": "f5",
  "17": "f6",
  "18": "f7",
  "19": "f8",
  "20": "f9",
  "21": "f10",
  "23": "f11",
  "24": "f12",
};

/** `CSI [ X`: F1 to F5 of the Linux console (terminfo entry `linux`). */
const CONSOLE_FINALS: Readonly<Record<string, string>> = { A: "f1", B: "f2", C: "f3", D: "f4", E: "f5" };

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Decodes bytes from the terminal into key events. Pure. Sequences and characters may be split
 * across calls, and a call may contain several keys. Escape alone cannot be distinguished from the
 * start of a sequence: while {@link waiting}, call {@link flush} after a short time without bytes.
 */
export class KeyParser {
  #bytes: Buffer = NOTHING;
  #pasting = false;
  /** True while the rest of a paste that is too long arrives. */
  #isDropping = false;

  push(chunk: Uint8Array): TerminalEvent[] {
    const events: TerminalEvent[] = [];
    // Ends a paste whose end marker was lost. A ^C that arrives alone was pressed by the user:
    // pasted text arrives in larger pieces, and terminals remove ^C from it.
    if (this.#pasting && chunk.length === 1 && chunk[0] === CTRL_C) {
      this.#pasting = false;
      this.#isDropping = false;
      this.#bytes = NOTHING;
    }
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const step = this.#pasting ? this.#paste() : this.#key();
      if (!step) return events;
      this.#bytes = step.length === this.#bytes.length ? NOTHING : this.#bytes.subarray(step.length);
      if (step.event) events.push(step.event);
    }
  }

  /**
   * True while an answer of the terminal is incomplete: over a slow connection it may arrive in
   * pieces.
   */
  get isInAnswer(): boolean {
    return this.waiting && this.#bytes.length > 2 && this.#bytes[1] === CLOSE_BRACKET;
  }

  /** True if pending bytes may be the start of a longer sequence. */
  get waiting(): boolean {
    return this.#bytes.length > 0 && !this.#pasting;
  }

  /**
   * Called when no more bytes arrived: a lone ESC is the Escape key, ESC with one more byte is Alt;
   * other prefixes are dropped.
   */
  flush(): TerminalEvent[] {
    if (!this.waiting) return [];
    const bytes = this.#bytes;
    this.#bytes = NOTHING;
    if (bytes[0] !== ESC) return [];
    if (bytes.length === 1) return [key("escape")];
    return bytes.length === 2 ? [key(`alt-${String.fromCharCode(bytes[1] ?? 0)}`)] : [];
  }

  /**
   * Returns the next key and its length; undefined if more bytes are needed. Bytes without an event
   * have no meaning for porthole.
   */
  #key(): Step | undefined {
    const bytes = this.#bytes;
    const first = bytes[0];
    if (first === undefined) return undefined;
    if (first === ESC) return this.#escape();
    if (first < 0x20 || first === 0x7f) return { length: 1, event: key(controlName(first)) };
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    // Drops only bytes that cannot begin a character, or whose character is invalid.
    for (let i = 1; i < length && i < bytes.length; i++) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return { length: 1 };
    if (first >= 0x80 && first < 0xc2) return { length: 1 };
    if (bytes.length < length) return undefined;
    // Drops control characters (U+0080 to U+009F). No key sends them, and the text of a prompt must
    // not contain them.
    if (first === 0xc2 && (bytes[1] ?? 0) < 0xa0) return { length };
    return { length, event: key(bytes.toString("utf8", 0, length)) };
  }

  #escape(): Step | undefined {
    const bytes = this.#bytes;
    const second = bytes[1];
    if (second === undefined) return undefined;
    switch (String.fromCharCode(second)) {
      case "\x1b":
        return { length: 1, event: key("escape") };
      case "[":
        return this.#controlSequence();
      case "O": {
        const final = bytes[2];
        if (final === undefined) return undefined;
        // The keypad's Enter is sent only this way: after CSI, M is a mouse report.
        return named(3, final === 0x4d ? "enter" : FINALS[String.fromCharCode(final)]);
      }
      case "]":
      case "P":
      case "X":
      case "^":
      case "_":
        return this.#controlString();
      default:
        return second < 0x20 || second >= 0x7f
          ? { length: 1, event: key("escape") }
          : { length: 2, event: key(`alt-${String.fromCharCode(second)}`) };
    }
  }

  /** Parses a CSI sequence: parameter bytes, intermediate bytes, one final byte (ECMA-48 5.4). */
  #controlSequence(): Step | undefined {
    const bytes = this.#bytes;
    let at = 2;
    while (at < bytes.length && (bytes[at] ?? 0) >= 0x20 && (bytes[at] ?? 0) < 0x40) at++;
    if (at >= bytes.length) return at > MAX_SEQUENCE ? { length: at } : undefined;
    const final = bytes[at] ?? 0;
    // A byte that is invalid in a sequence ends it and is parsed again.
    if (final < 0x40 || final > 0x7e) return { length: at };
    if (at === 2 && final === OPEN_BRACKET) {
      const letter = bytes[3];
      return letter === undefined ? undefined : named(4, CONSOLE_FINALS[String.fromCharCode(letter)]);
    }
    const parameters = bytes.toString("latin1", 2, at);
    if (parameters.startsWith("<")) return mouse(at + 1, parameters.slice(1), final);
    const [first = "", modifiers] = parameters.split(";");
    if (first === "200" && final === TILDE) this.#pasting = true;
    const name = final === TILDE ? TILDES[first] : FINALS[String.fromCharCode(final)];
    return named(at + 1, name && modified(name, modifiers));
  }

  /**
   * Parses OSC, DCS and similar sequences, up to BEL or ST: a terminal's answers. Skips answers
   * that were not requested.
   */
  #controlString(): Step | undefined {
    const bytes = this.#bytes;
    for (let at = 2; at < bytes.length; at++) {
      const isTerminator = bytes[at] === ESC && bytes[at + 1] === 0x5c;
      if (bytes[at] !== 0x07 && !isTerminator) continue;
      const event = background(bytes.toString("latin1", 1, at));
      return { length: at + (isTerminator ? 2 : 1), ...(event && { event }) };
    }
    return bytes.length > MAX_SEQUENCE ? { length: bytes.length } : undefined;
  }

  #paste(): Step | undefined {
    const bytes = this.#bytes;
    const end = bytes.indexOf(PASTE_END);
    const isDropping = this.#isDropping;
    if (end === -1 && !isDropping && bytes.length < MAX_PASTE + PASTE_END.length) return undefined;
    // The end marker may be split across two pieces.
    const length = end === -1 ? bytes.length - PASTE_END.length + 1 : end + PASTE_END.length;
    if (length <= 0) return undefined;
    this.#pasting = end === -1;
    this.#isDropping = this.#pasting;
    if (isDropping) return { length };
    const text = bytes.subarray(0, Math.min(end === -1 ? length : end, MAX_PASTE));
    return { length, event: { kind: "paste", text: decodeText(text) } };
  }
}

/**
 * A step of the parser: the number of consumed bytes, and their event. Bytes without an event are
 * skipped.
 */
interface Step {
  length: number;
  event?: TerminalEvent;
}

/** Parses `] 11 ; rgb:RRRR/GGGG/BBBB`: one to four digits per component (XParseColor). */
function background(text: string): BackgroundReport | undefined {
  const parts = /^\]11;rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})(?:\/[\da-f]{1,4})?$/i.exec(text)?.slice(1);
  if (!parts) return undefined;
  const [red = 0, green = 0, blue = 0] = parts.map((part) => Number.parseInt(part, 16) / (16 ** part.length - 1));
  return { kind: "background", red, green, blue };
}

const MOUSE_ACTIONS: Readonly<Record<string, MouseAction>> = {
  "0M": "press",
  "0m": "release",
  "32M": "drag",
  "64M": "wheel-up",
  "65M": "wheel-down",
};

/**
 * Parses `CSI < buttons ; column ; row M` (xterm, "Extended coordinates"): a wheel step, or an
 * event of the left button. A release ends with `m`.
 */
function mouse(length: number, parameters: string, final: number): Step {
  const [buttons = 0, column = 0, row = 0] = parameters.split(";").map(Number);
  if (!/^\d+;\d+;\d+$/.test(parameters)) return { length };
  const what = MOUSE_ACTIONS[`${buttons}${String.fromCharCode(final)}`];
  if (what === undefined) return { length };
  return { length, event: { kind: "mouse", what, column: column - 1, row: row - 1 } };
}

/**
 * Adds the Alt modifier to a key name (xterm: 1 plus the sum of Shift 1, Alt 2, Ctrl 4). Ignores
 * other modifiers.
 */
function modified(name: string, modifiers: string | undefined): string {
  return ((Number(modifiers ?? 1) - 1) & 2) !== 0 ? `alt-${name}` : name;
}

function controlName(byte: number): string {
  if (byte === 0x7f || byte === 0x08) return "backspace";
  if (byte === 0x0d || byte === 0x0a) return "enter";
  if (byte === 0x09) return "tab";
  if (byte === 0) return "ctrl-space";
  return `ctrl-${String.fromCharCode(byte | (byte > 0x1b ? 0x40 : 0x60))}`;
}

function named(length: number, name: string | undefined): Step {
  return name === undefined ? { length } : { length, event: key(name) };
}

function key(name: string): KeyEvent {
  return { kind: "key", key: name };
}
