import { type Colours, coloured, plain } from "./colours.ts";
import type { BinaryMode } from "./line-buffer.ts";
import type { Matcher } from "./matcher.ts";
import type { Output } from "./output.ts";
import type { Line, SearchEnd, Sink } from "./sink.ts";

/** What is said of each file, for all files of a command. */
export interface SummaryOptions {
  /** Lines that match, matches, paths of files that match, or nothing. */
  kind: "count" | "count-matches" | "paths" | "quiet";
  paths: boolean;
  colour: boolean;
  binary: BinaryMode;
  maxCount?: number | undefined;
}

/** Prints one line for a file, as ripgrep does: its matches' count, or its path. */
export class SummaryPrinter implements Sink {
  readonly #matcher: Matcher;
  readonly #output: Output;
  readonly #options: SummaryOptions;
  readonly #path: Uint8Array;
  #count = 0;
  /** Lines that matched. */
  matches = 0;

  /** For one file; `path` as it is shown. */
  constructor(matcher: Matcher, output: Output, options: SummaryOptions, path: Uint8Array) {
    this.#matcher = matcher;
    this.#output = output;
    this.#options = options;
    this.#path = path;
    if (options.kind === "count" && options.maxCount === undefined)
      this.matchedRun = (_block, _start, _end, count) => {
        this.matches += count;
        this.#count += count;
        return true;
      };
  }

  readonly matchedRun?: Sink["matchedRun"];

  matched(line: Line): boolean {
    const { kind, maxCount } = this.#options;
    this.matches++;
    this.#count += kind === "count-matches" ? this.#matcher.matchesIn(line).length : 1;
    if (kind === "paths" || kind === "quiet") return false;
    return maxCount === undefined || this.matches < maxCount;
  }

  context(): boolean {
    return true;
  }

  contextBreak(): void {}

  binary(): void {}

  finish({ binaryAt }: SearchEnd): void {
    // A search that stopped at a NUL counted a part of the file: nothing is said rather than something wrong.
    if (binaryAt !== undefined && this.#options.binary === "quit") this.matches = 0;
    if (this.matches === 0 || this.#options.kind === "quiet") return;
    const isPath = this.#options.kind === "paths";
    if (isPath || this.#options.paths) this.#showPath(isPath ? "\n" : ":");
    if (!isPath) this.#output.text(`${this.#count}\n`);
  }

  #showPath(end: string): void {
    const { path }: Colours = this.#options.colour ? coloured : plain;
    this.#output.text(path[0]);
    this.#output.bytes(this.#path);
    this.#output.text(path[1] + end);
  }
}
