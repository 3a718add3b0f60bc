import type { Range } from "./block.ts";
import { type Colours, coloured, plain } from "./colours.ts";
import { MatchLimit } from "./limit.ts";
import type { BinaryMode } from "./line-buffer.ts";
import type { Matcher } from "./matcher.ts";
import type { Output } from "./output.ts";
import type { Line, Sink } from "./sink.ts";

/** How lines are printed, for all files of a command. */
export interface LinePrinterOptions {
  /** Each line begins with its file's path, or, with `heading`, that stands above a file's lines. */
  paths: boolean;
  /** An empty line between files. */
  heading: boolean;
  colour: boolean;
  onlyMatching: boolean;
  /** Context lines are matching ones (-v): what matched in them is shown. */
  invert: boolean;
  hasContext: boolean;
  after: number;
  maxCount?: number | undefined;
  /** Makes text safe for where it is shown; as it is by default. */
  safe?: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

const NEWLINE = 10;

/** Prints lines as ripgrep does. One for a command; {@link file} for each file. */
export class LinePrinter {
  readonly matcher: Matcher;
  readonly output: Output;
  readonly options: LinePrinterOptions;
  readonly colours: Colours;

  constructor(matcher: Matcher, output: Output, options: LinePrinterOptions) {
    this.matcher = matcher;
    this.output = output;
    this.options = options;
    this.colours = options.colour ? coloured : plain;
  }

  /** `path` as it is shown. */
  file(path: Uint8Array, binary: BinaryMode): FilePrinter {
    return new FilePrinter(this, path, binary);
  }
}

/** Prints the lines of one file. */
class FilePrinter implements Sink {
  readonly #printer: LinePrinter;
  readonly #path: Uint8Array;
  readonly #binary: BinaryMode;
  readonly #limit: MatchLimit;
  readonly #before: number;
  #binaryAt: number | undefined;
  readonly matchedRun?: Sink["matchedRun"];

  constructor(printer: LinePrinter, path: Uint8Array, binary: BinaryMode) {
    this.#printer = printer;
    this.#path = path;
    this.#binary = binary;
    this.#limit = new MatchLimit(printer.options.maxCount, printer.options.after);
    this.#before = printer.output.count;
    const { paths, heading, colour, onlyMatching, maxCount, safe } = printer.options;
    if ((!paths || heading) && !colour && !onlyMatching && maxCount === undefined && safe === undefined)
      this.matchedRun = (block, start, end, count) => this.#run(block, start, end, count);
  }

  /** Lines that matched. */
  get matches(): number {
    return this.#limit.count;
  }

  matched(line: Line): boolean {
    this.#limit.matched();
    if (this.#isEnough) return false;
    const { colour, onlyMatching } = this.#printer.options;
    this.#line(line, ":", colour || onlyMatching ? this.#printer.matcher.matchesIn(line) : []);
    return !this.#limit.isReached;
  }

  context(line: Line, kind: "before" | "after"): boolean {
    if (kind === "after") this.#limit.context();
    if (this.#isEnough) return false;
    const { colour, onlyMatching, invert } = this.#printer.options;
    this.#line(line, "-", invert && (colour || onlyMatching) ? this.#printer.matcher.matchesIn(line) : []);
    return !this.#limit.isReached;
  }

  contextBreak(): void {
    this.#printer.output.text("--\n");
  }

  binary(offset: number): void {
    this.#binaryAt = offset;
  }

  finish(): void {
    if (this.#binaryAt === undefined || this.matches === 0) return;
    if (this.#printer.options.paths) {
      this.#showPath();
      this.#printer.output.text(": ");
    }
    const found = `(found "\\0" byte around offset ${this.#binaryAt})\n`;
    this.#printer.output.text(
      this.#binary === "quit"
        ? `WARNING: stopped searching binary file after match ${found}`
        : `binary file matches ${found}`,
    );
  }

  /** Of a binary file nothing is shown. */
  get #isEnough(): boolean {
    return this.#binaryAt !== undefined && this.#binary === "convert";
  }

  #run(block: Buffer, start: number, end: number, count: number): boolean {
    this.#limit.matched(count);
    if (this.#isEnough) return false;
    const { output } = this.#printer;
    this.#heading();
    output.range(block, start, end);
    if (block[end - 1] !== NEWLINE) output.bytes(newline);
    return true;
  }

  #line(line: Line, separator: string, matches: readonly Range[]): void {
    const { output, options, colours } = this.#printer;
    this.#heading();
    if (matches.length > 0 && options.onlyMatching) {
      for (const { start, end } of matches) {
        this.#prefix(line, separator);
        const isPlain = !options.colour && options.safe === undefined;
        if (isPlain) output.range(line.block, line.start + start, line.start + end);
        else if (start < end) this.#match(line.bytes.subarray(start, end), colours.match);
        output.text("\n");
      }
      return;
    }
    this.#prefix(line, separator);
    if (!options.colour && options.safe === undefined && line.block[line.end - 1] === NEWLINE) {
      output.range(line.block, line.start, line.end);
      return;
    }
    const content = line.bytes.at(-1) === NEWLINE ? line.bytes.subarray(0, -1) : line.bytes;
    let at = 0;
    for (const { start, end } of options.colour ? joined(matches) : []) {
      this.#text(content.subarray(at, start));
      this.#match(content.subarray(start, end), colours.match);
      at = end;
    }
    this.#text(content.subarray(at));
    output.bytes(newline);
  }

  /** What stands above the first line of a file. */
  #heading(): void {
    const { output, options } = this.#printer;
    if (output.count > this.#before) return;
    if (output.count > 0 && options.heading) output.bytes(newline);
    else if (output.count > 0 && options.hasContext) this.contextBreak();
    if (!options.heading || !options.paths) return;
    this.#showPath();
    output.bytes(newline);
  }

  #prefix({ number }: Line, separator: string): void {
    const { output, options, colours } = this.#printer;
    if (options.paths && !options.heading) {
      this.#showPath();
      output.text(separator);
    }
    if (number === undefined) return;
    if (!options.colour) {
      output.number(number);
      output.text(separator);
      return;
    }
    const [on, off] = colours.number;
    output.text(`${on}${number}${off}${separator}`);
  }

  #showPath(): void {
    const { output, colours } = this.#printer;
    output.text(colours.path[0]);
    output.bytes(this.#path);
    output.text(colours.path[1]);
  }

  #match(bytes: Buffer, [on, off]: readonly [string, string]): void {
    this.#printer.output.text(on);
    this.#text(bytes);
    this.#printer.output.text(off);
  }

  #text(bytes: Buffer): void {
    const { output, options } = this.#printer;
    output.bytes(options.safe === undefined ? bytes : options.safe(bytes));
  }
}

/** Matches with something in them, those that touch as one. */
function joined(matches: readonly Range[]): Range[] {
  const all: Range[] = [];
  for (const { start, end } of matches) {
    const last = all.at(-1);
    if (last?.end === start) last.end = end;
    else if (start < end) all.push({ start, end });
  }
  return all;
}

const newline = Buffer.of(NEWLINE);
