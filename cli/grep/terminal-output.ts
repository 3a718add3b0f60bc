import { randomBytes } from "node:crypto";
import { safeLine } from "../../src/text/index.ts";

/** Parts of ripgrep's output that have their own colours. */
const PARTS = ["path", "line", "column", "match"] as const;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const RESET = "\x1b[0m";

/**
 * Sanitises ripgrep's output for a terminal: passes ripgrep's own colours, and escapes control
 * characters of the file content. ripgrep marks its own colours with a random background colour per
 * run, which a file cannot contain.
 */
export class TerminalOutput {
  /** Options for ripgrep, which must be the last ones. */
  readonly flags: string[];
  readonly #escapes: boolean;
  readonly #own: RegExp;
  readonly #backgrounds: ReadonlyMap<string, string>;
  #rest: Buffer[] = [];
  #hasEscape = false;

  /**
   * @param specs the values of `--colors`; @param json the output is JSON, where control characters
   * become `\u`
   */
  constructor(specs: readonly string[], json: boolean) {
    this.#escapes = json;
    const [red = 0, green = 0] = randomBytes(2);
    const marks = PARTS.map((part, blue) => ({ part, rgb: `${red},${green},${blue}` }));
    this.flags = marks.map(({ part, rgb }) => `--colors=${part}:bg:${rgb}`);
    this.#backgrounds = new Map(marks.map(({ part, rgb }) => [rgb.replaceAll(",", ";"), background(specs, part)]));
    const style = "(?:\\x1b\\[(?!0?m)[0-9;]*m)*";
    this.#own = new RegExp(
      `\\x1b\\[0m(${style})\\x1b\\[48;2;(${red};${green};[0-3])m|${RESET.replace("[", "\\[")}`,
      "g",
    );
  }

  /** True if the file content so far contained an escape character. */
  get hasEscape(): boolean {
    return this.#hasEscape;
  }

  /** Returns the complete lines, sanitised. Keeps an incomplete line for the next call. */
  push(bytes: Buffer): Buffer {
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (end === 0) {
      this.#rest.push(bytes);
      // Returns a very long line before its end. A colour sequence that is cut at this point is
      // shown as text.
      return this.#rest.length < LONG ? Buffer.alloc(0) : this.end();
    }
    const whole = Buffer.concat([...this.#rest, bytes.subarray(0, end)]);
    this.#rest = [bytes.subarray(end)];
    return this.#lines(whole);
  }

  end(): Buffer {
    const rest = Buffer.concat(this.#rest);
    this.#rest = [];
    return this.#lines(rest);
  }

  #lines(bytes: Buffer): Buffer {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(0x0a, at);
      const end = newline === -1 ? bytes.length : newline;
      pieces.push(...this.#line(bytes.subarray(at, end)));
      if (newline !== -1) pieces.push(NEWLINE);
      at = end + 1;
    }
    return Buffer.concat(pieces);
  }

  /** Splits a line at ripgrep's own colours. The pieces between them are file content. */
  #line(line: Buffer): Uint8Array[] {
    const text = line.toString("latin1");
    const pieces: Uint8Array[] = [];
    let at = 0;
    let isColoured = false;
    const content = (to: number) => {
      if (to > at) pieces.push(this.#safe(line.subarray(at, to)));
    };
    for (const found of text.matchAll(this.#own)) {
      const [sequence, style, mark] = found;
      // A reset without an open colour is file content.
      if (mark === undefined && !isColoured) continue;
      content(found.index);
      at = found.index + sequence.length;
      isColoured = mark !== undefined;
      pieces.push(Buffer.from(mark === undefined ? RESET : `${RESET}${style}${this.#backgrounds.get(mark) ?? ""}`));
    }
    content(line.length);
    return pieces;
  }

  #safe(bytes: Buffer): Uint8Array {
    this.#hasEscape ||= bytes.includes(ESCAPE);
    if (!this.#escapes) return safeLine(bytes);
    return Buffer.from(bytes.toString().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped));
  }
}

/** Maximum number of pieces of 64 KiB that are buffered for a line. */
const LONG = 16;
const ESCAPE = 0x1b;
const NEWLINE = Buffer.from("\n");

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
    .join("");
}

/** Returns the background colour that `--colors` sets for a part, as an escape sequence. */
function background(specs: readonly string[], part: string): string {
  let sequence = "";
  for (const spec of specs) {
    const [of, attribute, value = ""] = spec.split(":");
    if (of !== part) continue;
    if (attribute === "none") sequence = "";
    if (attribute !== "bg") continue;
    const numbers = value.split(",").map(Number);
    if (NAMES.includes(value)) sequence = `\x1b[4${NAMES.indexOf(value)}m`;
    else if (!numbers.every(Number.isInteger)) sequence = "";
    else sequence = numbers.length === 3 ? `\x1b[48;2;${numbers.join(";")}m` : `\x1b[48;5;${numbers[0]}m`;
  }
  return sequence;
}
