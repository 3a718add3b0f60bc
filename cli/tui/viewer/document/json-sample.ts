import { readJsonLine } from "../../../../src/text/index.ts";

/** Minimum and maximum number of lines in a sample. */
const MIN_LINES = 2;
const MAX_LINES = 5;

/** Decides from the first lines of a text whether its lines are JSON. Ignores blank lines. */
export class JsonSample {
  #lines = 0;
  #objects = 0;

  add(line: string): void {
    if (this.isKnown || line.trim() === "") return;
    this.#lines++;
    if (readJsonLine(line) !== undefined) this.#objects++;
  }

  /** True once further lines change nothing: enough are known, or one is not an object. */
  get isKnown(): boolean {
    return this.#lines >= MAX_LINES || this.#objects < this.#lines;
  }

  /** True if all lines so far are JSON objects. */
  get isJson(): boolean {
    return this.#lines >= MIN_LINES && this.#objects === this.#lines;
  }
}
