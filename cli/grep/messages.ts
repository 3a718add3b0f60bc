import { complain, printable } from "../io/fail.ts";

/**
 * ripgrep's standard error as porthole's: one line for each message. Lines of a message that goes on
 * (a regular expression with a mark below it) are joined.
 */
export class Messages {
  #rest = "";
  #message: string[] = [];

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** Shows what is left. */
  end(): void {
    this.#finish();
    this.#show();
  }

  /** The reason for which ripgrep was aborted, which is not shown here. */
  takeLast(): string {
    this.#finish();
    // What ends a program is said by its runtime, not by ripgrep.
    const own = this.#message.findLastIndex((line) => line.startsWith("rg: "));
    const last = this.#message.splice(own + 1);
    this.#show();
    return joined(last);
  }

  #finish(): void {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
  }

  #line(line: string): void {
    if (line.startsWith("rg: ")) this.#show();
    this.#message.push(line);
  }

  #show(): void {
    const text = joined(this.#message);
    this.#message = [];
    if (text !== "") complain(printable(text));
  }
}

function joined(lines: readonly string[]): string {
  const text = lines
    .filter((line) => !/^[\s^~]*$/.test(line))
    .map((line) => line.trim())
    .join(" ")
    .replace(/^rg: /, "")
    .replaceAll(/ \(os error \d+\)/g, "");
  // What could not be written has no path before it.
  return /^(No space left on device|File too large|Input\/output error|Disk quota exceeded)$/.test(text)
    ? `write error: ${text}`
    : text.replace(/^(.*): IO error for operation on \1: /s, "$1: ");
}
