import { complain, errorText, isNewCause, printable } from "../io/fail.ts";

/**
 * Converts ripgrep's standard error to messages of porthole, one line each. Joins the lines of a
 * long message, such as a regular expression with a mark below it.
 */
export class Messages {
  readonly #show: (message: string) => void;
  #rest = "";
  #message: string[] = [];

  /** `show` receives each message; by default it is printed. */
  constructor(show = (message: string) => complain(printable(message))) {
    this.#show = show;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** Shows the pending message. */
  end(): void {
    this.#finish();
    this.#pass();
  }

  /** Returns the reason of an abort instead of showing it. */
  takeLast(): string {
    this.#finish();
    // The runtime prints the reason of an abort, without the prefix of ripgrep.
    const own = this.#message.findLastIndex((line) => line.startsWith("rg: "));
    const last = this.#message.splice(own + 1);
    this.#pass();
    return joined(last);
  }

  #finish(): void {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
  }

  #line(line: string): void {
    if (line.startsWith("rg: ")) this.#pass();
    this.#message.push(line);
  }

  #pass(): void {
    const text = joined(this.#message);
    this.#message = [];
    if (text === "" || !isNewCause(text)) return;
    const { message, hint } = errorText(text);
    this.#show(hint === undefined ? message : `${message} (${hint})`);
  }
}

function joined(lines: readonly string[]): string {
  const text = lines
    .filter((line) => !/^[\s^~]*$/.test(line))
    .map((line) => line.trim())
    .join(" ")
    .replace(/^rg: /, "")
    .replaceAll(/ \(os error \d+\)/g, "");
  // ripgrep reports write errors without a path.
  return /^(No space left on device|File too large|Input\/output error|Disk quota exceeded)$/.test(text)
    ? `write error: ${text}`
    : text.replace(/^(.*): IO error for operation on \1: /s, "$1: ");
}
