import { characterBoundary, decodeText } from "../encoding/decode.ts";
import { sanitiseText } from "./sanitise.ts";

/** An SGR sequence (colours and attributes), whole. */
const COLOUR = /(\x1b\[[0-9;:]{0,64}m)/;
/** What may be the beginning of one, at the end of a chunk. */
const BEGUN = /\x1b(?:\[[0-9;:]{0,64})?$/;
const RESET = "\x1b[0m";

/**
 * File content on its way to a terminal: bytes in, text out. Newlines, tabs and, where wanted, colours pass; every other control
 * character and escape sequence is shown, not sent, also one that is split over chunks.
 */
export class TerminalStream {
  readonly #colours: boolean;
  #held: Uint8Array = new Uint8Array(0);
  #coloured = false;

  constructor(options: { colours: boolean }) {
    this.#colours = options.colours;
  }

  push(chunk: Uint8Array): string {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let end = characterBoundary(bytes, bytes.length);
    const begun = BEGUN.exec(Buffer.from(bytes.subarray(Math.max(0, end - 70), end)).toString("latin1"));
    if (begun !== null) end -= begun[0].length;
    this.#held = Uint8Array.from(bytes.subarray(end));
    return this.#clean(decodeText(bytes.subarray(0, end)));
  }

  /** What was held back, and the end of any colour. */
  end(): string {
    const rest = this.#clean(decodeText(this.#held));
    this.#held = new Uint8Array(0);
    return rest + (this.#coloured ? RESET : "");
  }

  #clean(text: string): string {
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

/** A piece of a line on its way to a terminal: tabs pass, a carriage return at its end goes, every other control is shown. */
export function safeLine(bytes: Uint8Array): Uint8Array {
  return Buffer.from(cleanLines(decodeText(bytes).replace(/\r$/, "")));
}

function cleanLines(text: string): string {
  return text
    .split(/(\r?\n|\t)/)
    .map((piece, index) => (index % 2 === 0 ? sanitiseText(piece) : piece.replace("\r", "")))
    .join("");
}
