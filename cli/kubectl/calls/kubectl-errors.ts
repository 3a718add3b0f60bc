import { Transform, type TransformCallback } from "node:stream";

/** agent/remote.c writes this to standard error after the command's end. */
const END = "\0porthole-end ";
/** Beginnings of lines that kubectl may write about a lost connection. */
const STARTS = ["error: ", "Error from server", "Unable to connect", "command terminated with exit code "];
const LOGGED = /^[EWI]\d{4} /;
/** Maximum length of text that is held back, and of the marker of the command's end. */
const [MAX_HELD, MAX_END] = [65_536, 64];

/**
 * Passes on the standard error of a command that runs by kubectl exec. Omits kubectl's own lines
 * after the command's end. If the connection ends first, kubectl's last lines are the reason.
 */
export class KubectlErrors extends Transform {
  /** The beginning of a line that kubectl may have written, and such lines before it. */
  #text = "";
  #held: string[] = [];
  #isEnding = false;
  #hasEnded = false;

  /** kubectl's reason after the end of the stream; empty if there is none. */
  get reason(): string {
    return [...this.#held, this.#text].filter((line) => line !== "" && !LOGGED.test(line)).at(-1) ?? "";
  }

  override _transform(piece: Buffer, _: string, done: TransformCallback): void {
    this.#text += piece.toString("latin1");
    this.#take();
    done();
  }

  #take(): void {
    const end = this.#isEnding ? -1 : this.#text.indexOf(END);
    if (end !== -1) {
      this.#pass(this.#text.slice(0, end));
      this.#text = this.#text.slice(end);
      this.#isEnding = true;
    }
    if (this.#hasEnded) this.#text = "";
    else if (this.#isEnding) this.#end();
    else this.#lines();
  }

  #end(): void {
    const newline = this.#text.indexOf("\n");
    if (newline === -1 && this.#text.length <= MAX_END) return;
    const isEnd = newline !== -1 && newline <= MAX_END;
    // Text of the command may begin like the marker.
    if (isEnd) this.push(Buffer.from(this.#text.slice(0, newline + 1), "latin1"));
    else this.#pass(this.#text);
    this.#text = "";
    this.#isEnding = this.#hasEnded = isEnd;
  }

  #lines(): void {
    for (let end = this.#text.indexOf("\n"); end !== -1; end = this.#text.indexOf("\n")) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      if (mayBeOfKubectl(line)) this.#held.push(line);
      else this.#pass(`${line}\n`);
    }
    const length = this.#held.reduce((sum, line) => sum + line.length, this.#text.length);
    const isHeld = mayBeOfKubectl(this.#text) || this.#text.includes("\0");
    const mayContinue = isHeld || STARTS.some((start) => start.startsWith(this.#text));
    if (length <= MAX_HELD && (this.#text === "" || mayContinue)) return;
    this.#pass(this.#text);
    this.#text = "";
  }

  /**
   * Passes on text of the command, after the lines that were held: they belong to the command too.
   */
  #pass(text: string): void {
    const lines = this.#held.splice(0).map((line) => `${line}\n`);
    if (text !== "" || lines.length > 0) this.push(Buffer.from(lines.join("") + text, "latin1"));
  }
}

function mayBeOfKubectl(line: string): boolean {
  return LOGGED.test(line) || STARTS.some((start) => line.startsWith(start));
}
