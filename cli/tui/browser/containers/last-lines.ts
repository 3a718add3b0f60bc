import { readJsonLine, visibleText } from "../../../../src/text/index.ts";

/** Maximum number of lines, and of bytes of a line: a panel shows a few rows. */
const MAX_LINES = 60;
const MAX_BYTES = 4_096;

/** Keeps the last lines of a stream of bytes, in bounded memory. */
export class LastLines {
  #lines: string[] = [];
  #begun = "";
  readonly #decoder = new TextDecoder();

  add(bytes: Uint8Array): void {
    const parts = `${this.#begun}${this.#decoder.decode(bytes, { stream: true })}`.split("\n");
    this.#begun = (parts.pop() ?? "").slice(0, MAX_BYTES);
    this.#lines.push(...parts.slice(-MAX_LINES).map((line) => line.slice(0, MAX_BYTES)));
    if (this.#lines.length > MAX_LINES) this.#lines = this.#lines.slice(-MAX_LINES);
  }

  /** Returns the lines in the form for the screen: without colours, JSON as its summary. */
  lines(): string[] {
    const all = this.#begun === "" ? this.#lines : [...this.#lines, this.#begun];
    return all.map(shown);
  }
}

function shown(line: string): string {
  // For a progress bar, shows only the text after the last carriage return.
  const text = visibleText(line.replace(/\r+$/, "").split("\r").at(-1) ?? "").text;
  return readJsonLine(text)?.summary ?? text.replaceAll("\t", "    ");
}
