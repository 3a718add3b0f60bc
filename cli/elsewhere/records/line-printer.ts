import { pathBytes } from "../../../src/target.ts";
import { TerminalStream } from "../../../src/text/index.ts";
import { printable } from "../../io/fail.ts";
import { SOURCE_COLOURS } from "../../tail/source-colours.ts";
import { type LineRecord, remember } from "./line-record.ts";

/** The options of tail and head that determine how lines of several places are printed. */
export interface LineFormat {
  format: "json" | "prefix" | "headers" | "plain";
  delimiter: string;
  colours: boolean;
  isTerminal: boolean;
}

/** Formats records as the text that tail prints for several files. */
export class LinePrinter {
  readonly #format: LineFormat;
  readonly #prefixes = new Map<string, string>();
  readonly #terminals = new Map<string, TerminalStream>();
  #last: string | undefined;
  #isFirst = true;
  #isOpen = false;

  constructor(format: LineFormat) {
    this.#format = format;
  }

  print(record: LineRecord): Buffer {
    const { format, delimiter } = this.#format;
    if (format === "json") return Buffer.from(record.json);
    if (format !== "headers" && record.isPartial && record.bytes.length === 0) return Buffer.alloc(0);
    const parts: Buffer[] = [];
    const isContinued = this.#isOpen && this.#last === record.target;
    if (this.#isOpen && !isContinued && format === "prefix") parts.push(Buffer.from(delimiter));
    if (format === "headers" && this.#last !== record.target) {
      parts.push(pathBytes(`${this.#isFirst ? "" : "\n"}==> ${this.#shown(record.target)} <==\n`));
      this.#isFirst = false;
    }
    if (format === "prefix" && !isContinued) parts.push(pathBytes(this.#prefix(record.target)));
    const bytes = record.isPartial ? record.bytes : Buffer.concat([record.bytes, Buffer.from(delimiter)]);
    parts.push(this.#format.isTerminal ? Buffer.from(this.#terminal(record.target).push(bytes)) : bytes);
    this.#last = record.target;
    this.#isOpen = record.isPartial;
    return Buffer.concat(parts);
  }

  /** Returns the rest of the output: unfinished lines' escape sequences, and a reset of colours. */
  end(): Buffer {
    return Buffer.from([...this.#terminals.values()].map((terminal) => terminal.end()).join(""));
  }

  #terminal(target: string): TerminalStream {
    const options = { colours: this.#format.colours, returns: true };
    return this.#terminals.get(target) ?? remember(this.#terminals, target, new TerminalStream(options));
  }

  #prefix(target: string): string {
    const known = this.#prefixes.get(target);
    if (known !== undefined) return known;
    const colour = SOURCE_COLOURS[this.#prefixes.size % SOURCE_COLOURS.length];
    const shown = this.#shown(target);
    const prefix = this.#format.colours ? `\x1b[${colour}m${shown} |\x1b[0m ` : `${shown} | `;
    return remember(this.#prefixes, target, prefix);
  }

  #shown(target: string): string {
    return this.#format.isTerminal ? printable(target) : target;
  }
}
