import { characterBoundary, decodeText } from "../encoding/decode.ts";
import { sanitiseText } from "./sanitise.ts";

/** A complete SGR sequence (colours and attributes). */
const COLOUR = /(\x1b\[[0-9;:]{0,64}m)/;
/** Matches a possible beginning of such a sequence at the end of a chunk. */
const BEGUN = /\x1b(?:\[[0-9;:]{0,64})?$/;
/** Matches 16 or more of the same control character or invalid byte. */
const RUN = /([\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\udc80-\udcff])\1{15,}/g;
const RESET = "\x1b[0m";

/**
 * Converts file content for a terminal. Newlines, tabs and optionally colours pass; all other
 * control characters and escape sequences are made visible, also when split over chunks.
 */
export class TerminalStream {
  readonly #colours: boolean;
  #held: Uint8Array = new Uint8Array(0);
  /**
   * The control character of a run at the end of the output, which may continue, and its length.
   */
  #run = "";
  #runLength = 0;
  readonly #returns: boolean;
  #coloured = false;

  /**
   * `returns`: a lone carriage return begins a new line, for progress bars; otherwise it is made
   * visible.
   */
  constructor(options: { colours: boolean; returns?: boolean }) {
    this.#returns = options.returns ?? false;
    this.#colours = options.colours;
  }

  push(chunk: Uint8Array): string {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let end = characterBoundary(bytes, bytes.length);
    const begun = BEGUN.exec(Buffer.from(bytes.subarray(Math.max(0, end - 70), end)).toString("latin1"));
    if (begun !== null) end -= begun[0].length;
    // The next chunk may begin with the newline of this carriage return.
    if (bytes[end - 1] === 13) end--;
    this.#held = Uint8Array.from(bytes.subarray(end));
    return this.#collapsed(decodeText(bytes.subarray(0, end)));
  }

  /** Flushes, and resets colours. */
  end(): string {
    const rest = this.#collapsed(decodeText(this.#held)) + this.#endRun();
    this.#held = new Uint8Array(0);
    return rest + (this.#coloured ? RESET : "");
  }

  /** Shows a long run of one control character as the character and a count, also across chunks. */
  #collapsed(text: string): string {
    let shown = "";
    let from = 0;
    if (this.#runLength > 0) {
      while (from < text.length && text[from] === this.#run) from++;
      this.#runLength += from;
      if (from === text.length) return "";
      shown = this.#endRun();
    }
    const base = from;
    for (const { 0: run, index } of text.slice(base).matchAll(RUN)) {
      shown += this.#clean(text.slice(from, base + index));
      this.#run = run.charAt(0);
      this.#runLength = run.length;
      from = base + index + run.length;
      if (from < text.length) shown += this.#endRun();
    }
    return shown + this.#clean(text.slice(from));
  }

  #endRun(): string {
    if (this.#runLength === 0) return "";
    const shown = `${sanitiseText(this.#run)}[${this.#runLength} times]`;
    this.#runLength = 0;
    return shown;
  }

  #clean(all: string): string {
    const text = this.#returns ? all.replace(/\r+\n?/g, "\n") : all;
    if (!this.#colours) return cleanLines(text);
    return text
      .split(COLOUR)
      .map((piece, index) => {
        if (index % 2 === 0) return cleanLines(piece);
        this.#coloured = true;
        return piece;
      })
      .join("");
  }
}

/**
 * Makes a piece of a line safe for a terminal: tabs pass, a final carriage return is removed, other
 * controls are made visible.
 */
export function safeLine(bytes: Uint8Array): Uint8Array {
  return Buffer.from(cleanLines(decodeText(bytes).replace(/\r$/, "")));
}

function cleanLines(text: string): string {
  return text
    .split(/(\r?\n|\t)/)
    .map((piece, index) => (index % 2 === 0 ? sanitiseText(piece) : piece.replace("\r", "")))
    .join("");
}
