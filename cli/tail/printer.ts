import { dieBySignal, isTerminal, Output } from "../../src/descriptors/index.ts";
import { LineSplitter, type TimedLine } from "../../src/follow/index.ts";
import { pathBytes } from "../../src/target.ts";
import type { TerminalStream } from "../../src/text/index.ts";
import { Exit, printable } from "../io/fail.ts";
import { failOutput } from "../io/output.ts";
import { isLaterPart, PartVariable } from "../io/part-of-several.ts";
import { chunkRecord, lineRecord, markRecord, type RecordOrigin } from "./line-record.ts";
import { printMessage } from "./messages.ts";
import { type Position, positionRecord, reportsPositions } from "./positions.ts";
import { SOURCE_COLOURS } from "./source-colours.ts";

/** Output format of head and tail. */
export interface PrinterOptions {
  /** The name of the command in error messages. */
  command: "head" | "tail";
  /** Prints `==> name <==` whenever the file changes, as GNU does. */
  headers: boolean;
  /** Prints the name before each line. */
  prefix: boolean;
  /** Prints each line as a JSON object, without headers and prefixes. */
  json: boolean;
  /** Prints complete lines if possible, because several files share one output. */
  shared: boolean;
  delimiter: number;
  color: "auto" | "always" | "never";
}

/** Milliseconds that an unfinished line waits for its rest, if there are several files. */
const UNFINISHED_MS = 100;

/** The same limit for JSON output, in which each part of a line is a separate record. */
const JSON_UNFINISHED_MS = 1000;

/** Maximum bytes of an unfinished line that waits. */
const MAX_UNFINISHED = 1024 * 1024;
const RETURN = 13;

/** The state of one file's output. */
export interface OutputSource {
  readonly name: string;
  readonly splitter: LineSplitter;
  prefix: Uint8Array;
  /** Formats a line; undefined prints it unchanged. */
  record: ((line: Uint8Array) => Uint8Array) | undefined;
  /** The beginning of an unfinished line. */
  rest: Uint8Array;
  /**
   * True if the last line printed with a prefix is unfinished, or if its last byte was a carriage
   * return.
   */
  open: boolean;
  return: boolean;
  timer: NodeJS.Timeout | undefined;
  terminal: TerminalStream | undefined;
}

/**
 * Writes the output of head and tail: unchanged to a file or pipe, sanitised to a terminal.
 * Serialises all writes.
 */
export class Printer {
  readonly #options: PrinterOptions;
  readonly #output = new Output(1);
  readonly #onTerminal = isTerminal(1);
  readonly #sources: OutputSource[] = [];
  /** Number of sources that were created so far. */
  #made = 0;
  #text: typeof import("../../src/text/index.ts") | undefined;
  #last: OutputSource | undefined;
  /** The file whose unfinished line was printed last. */
  #unfinished: OutputSource | undefined;
  #first = !isLaterPart();
  #follows = false;
  readonly #hasChunks = process.env[PartVariable.chunks] === "1";
  #gone: { close(): void } | undefined;
  #turn: Promise<void> = Promise.resolve();

  private constructor(options: PrinterOptions) {
    this.#options = options;
  }

  static async open(options: PrinterOptions): Promise<Printer> {
    const printer = new Printer(options);
    if (printer.#onTerminal) printer.#text = await import("../../src/text/index.ts");
    return printer;
  }

  /**
   * Ends the process by SIGPIPE as soon as the reader closes the pipe. Keeps the process alive
   * until then.
   */
  watchReader(): void {
    this.#follows = true;
    this.#gone = this.#output.onReaderGone(() => dieBySignal("SIGPIPE"));
  }

  /**
   * `timeOf` returns the timestamp of a line, `originOf` its stream and time by the engine, for
   * JSON.
   */
  source(
    name: string,
    timeOf?: (line: Uint8Array) => number | undefined,
    originOf?: (line: Uint8Array) => RecordOrigin | undefined,
  ): OutputSource {
    const { delimiter, prefix, json } = this.#options;
    const colours = this.#colours;
    const source: OutputSource = {
      name,
      splitter: new LineSplitter(delimiter),
      prefix: new Uint8Array(0),
      record: json ? (line) => lineRecord(name, line, delimiter, timeOf?.(line), originOf?.(line)) : undefined,
      rest: new Uint8Array(0),
      open: false,
      return: false,
      timer: undefined,
      terminal: json
        ? undefined
        : this.#text && new this.#text.TerminalStream({ colours: process.env.NO_COLOR === undefined, returns: true }),
    };
    if (prefix) {
      const shown = this.#onTerminal ? printable(name) : name;
      const colour = SOURCE_COLOURS[this.#made++ % SOURCE_COLOURS.length];
      source.prefix = pathBytes(colours ? `\x1b[${colour}m${shown} |\x1b[0m ` : `${shown} | `);
    }
    this.#sources.push(source);
    return source;
  }

  /** Removes a file that is no longer followed, after printing its waiting bytes. */
  leave(source: OutputSource): void {
    void this.flush(source);
    this.#sources.splice(this.#sources.indexOf(source), 1);
  }

  /** Sets the current file. The follow does not print its header again. */
  begunWith(source: OutputSource | undefined): void {
    this.#last = source;
  }

  /** Prints the header, if headers are on, even if no data follows. */
  begin(source: OutputSource): Promise<void> {
    return this.#inTurn(() => this.#header(source));
  }

  /** Reports a file without bytes to another porthole, which prints the header. */
  isEmpty(source: OutputSource): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#options.json && reportsPositions()) await this.#send(chunkRecord(source.name, new Uint8Array(0)));
    });
  }

  /** Prints a chunk of a file. Resolves when it is written. */
  write(source: OutputSource, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#options.prefix) return this.#prefixed(source, bytes);
      if (this.#byLine) {
        for (const part of batches(source.splitter.push(bytes), (line) => shown(source, line)))
          await this.#put(source, part);
        clearTimeout(source.timer);
        if (this.#follows && source.splitter.hasRest)
          source.timer = setTimeout(() => void this.flush(source), JSON_UNFINISHED_MS);
        return;
      }
      if (!this.#options.shared) return this.#putBytes(source, bytes);
      const end = bytes.lastIndexOf(this.#options.delimiter) + 1;
      clearTimeout(source.timer);
      if (end > 0) {
        const whole =
          source.rest.length > 0 ? Buffer.concat([source.rest, bytes.subarray(0, end)]) : bytes.subarray(0, end);
        source.rest = bytes.slice(end);
        await this.#putBytes(source, whole);
      } else source.rest = Buffer.concat([source.rest, bytes]);
      if (source.rest.length > MAX_UNFINISHED) {
        await this.#putBytes(source, source.rest);
        source.rest = new Uint8Array(0);
      }
      if (source.rest.length > 0) source.timer = setTimeout(() => void this.flush(source), UNFINISHED_MS);
    });
  }

  /**
   * Reports the position behind the bytes of a file that were passed so far. Undefined: the next
   * bytes are not at the position. Only for a run for another porthole.
   */
  position(name: string, position: Position | undefined, source?: OutputSource): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#options.json || !reportsPositions()) return;
      const rest = source === undefined ? 0 : source.splitter.restLength + source.rest.length;
      const at = position && position.at - rest;
      await this.#send(positionRecord(name, position && at !== undefined ? { ...position, at } : undefined));
    });
  }

  /** Prints a line, or the end of a line whose beginning {@link piece} printed. */
  line(source: OutputSource, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (source.record !== undefined) return bytes.length > 0 ? this.#put(source, source.record(bytes)) : undefined;
      await this.#open(source, bytes);
      if (bytes.at(-1) === this.#options.delimiter) this.#hasEnded(source);
      else await this.#closeLine(source);
    });
  }

  /** Prints a part of a line. The next output of the same file continues the line. */
  piece(source: OutputSource, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(() =>
      source.record === undefined ? this.#open(source, bytes) : this.#put(source, source.record(bytes)),
    );
  }

  /** With `json`: prints lines and marks as records, many with one write(2). */
  get records(): ((lines: readonly TimedLine<OutputSource | undefined>[]) => Promise<void>) | undefined {
    if (!this.#options.json) return undefined;
    return (lines) =>
      this.#inTurn(async () => {
        const records = lines.map(({ source, bytes, time }) =>
          source === undefined ? markRecord(time) : (source.record?.(bytes) ?? bytes),
        );
        for (const part of batches(records, (record) => [record])) await this.#send(part);
      });
  }

  /**
   * Ends an unfinished line: the next chunk belongs to another generation of the file. Without
   * prefixes and JSON, the bytes stay unchanged, as in GNU tail.
   */
  async endLine(source: OutputSource): Promise<void> {
    if (this.#options.json) await this.flush(source);
    else if (this.#options.prefix) await this.#inTurn(() => this.#closeLine(source));
  }

  /** Prints an unfinished line. */
  flush(source: OutputSource): Promise<void> {
    return this.#inTurn(async () => {
      clearTimeout(source.timer);
      const rest = this.#options.json && !this.#hasChunks ? source.splitter.end() : source.rest;
      source.rest = new Uint8Array(0);
      if (this.#hasChunks) return this.#putBytes(source, rest);
      if (rest.length > 0) await this.#put(source, Buffer.concat(shown(source, rest)));
      if (source.return) await this.#prefixed(source, new Uint8Array(0), true);
    });
  }

  /** Prints the unfinished lines of all files. */
  async end(): Promise<void> {
    this.#gone?.close();
    for (const source of this.#sources) await this.flush(source);
    for (const source of this.#sources) {
      const text = source.terminal?.end() ?? "";
      if (text !== "") await this.#inTurn(() => this.#send(Buffer.from(text)));
    }
  }

  get #byLine(): boolean {
    return this.#options.prefix || (this.#options.json && !this.#hasChunks);
  }

  get #colours(): boolean {
    const { color } = this.#options;
    return color === "always" || (color === "auto" && this.#onTerminal && !process.env.NO_COLOR);
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #header(source: OutputSource): Promise<void> {
    if (!this.#options.headers) return;
    const name = this.#onTerminal ? printable(source.name) : source.name;
    await this.#send(pathBytes(`${this.#first ? "" : "\n"}==> ${name} <==\n`));
    this.#first = false;
    this.#last = source;
  }

  /**
   * Prints each line after the name. Prints an unfinished line at once. A line of another file ends
   * the unfinished line; its continuation gets the name again. A single carriage return, as in a
   * progress bar, also ends a line. A carriage return before a newline is kept.
   */
  async #prefixed(source: OutputSource, bytes: Uint8Array, isEnd = false): Promise<void> {
    const { delimiter } = this.#options;
    const all = source.return ? Buffer.concat([Buffer.of(RETURN), bytes]) : bytes;
    const end = !isEnd && all.at(-1) === RETURN ? all.length - 1 : all.length;
    source.return = end < all.length;
    const parts: Uint8Array[] = [];
    for (let at = 0; at < end; ) {
      const newline = all.indexOf(delimiter, at);
      const stop = newline === -1 ? end : newline;
      const back = all.indexOf(RETURN, at);
      const isBar = back !== -1 && back < (all[stop - 1] === RETURN && newline !== -1 ? stop - 1 : stop);
      const next = isBar ? back + 1 : Math.min(end, stop + 1);
      if (!source.open) parts.push(source.prefix);
      if (isBar) parts.push(all.subarray(at, back), Buffer.of(delimiter));
      else parts.push(all.subarray(at, next));
      source.open = !isBar && newline === -1;
      at = next;
    }
    if (parts.length === 0) return;
    if (this.#unfinished !== undefined && this.#unfinished !== source) await this.#closeLine(this.#unfinished);
    this.#unfinished = source.open ? source : undefined;
    await this.#put(source, Buffer.concat(parts));
  }

  /**
   * Prints bytes of an unfinished line. Prints the name first if the line begins. Ends the
   * unfinished line of another file.
   */
  async #open(source: OutputSource, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    if (this.#unfinished !== undefined && this.#unfinished !== source) await this.#closeLine(this.#unfinished);
    await this.#put(source, source.open ? bytes : Buffer.concat([source.prefix, bytes]));
    source.open = true;
    this.#unfinished = source;
  }

  #hasEnded(source: OutputSource): void {
    source.open = false;
    if (this.#unfinished === source) this.#unfinished = undefined;
  }

  /** Ends the unfinished line of a file. */
  async #closeLine(source: OutputSource): Promise<void> {
    source.return = false;
    if (!source.open) return;
    this.#hasEnded(source);
    await this.#put(source, Buffer.of(this.#options.delimiter));
  }

  /** Prints bytes unchanged, or as a chunk for another porthole. */
  async #putBytes(source: OutputSource, bytes: Uint8Array): Promise<void> {
    if (!this.#hasChunks) return this.#put(source, bytes);
    if (bytes.length > 0) await this.#put(source, chunkRecord(source.name, bytes));
  }

  async #put(source: OutputSource, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    if (source !== this.#last) await this.#header(source);
    this.#last = source;
    if (source.terminal) await this.#send(Buffer.from(source.terminal.push(Buffer.from(bytes))));
    else await this.#send(bytes);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    try {
      await this.#output.write(bytes);
    } catch (error) {
      failOutput(error, Exit.file, (reason) =>
        printMessage(this.#options.command, `error writing 'standard output': ${reason}`),
      );
    }
  }
}

function shown({ record, prefix }: OutputSource, line: Uint8Array): Uint8Array[] {
  if (record !== undefined) return [record(line)];
  return prefix.length > 0 ? [prefix, line] : [line];
}

/** Joins formatted lines to chunks of about 64 KiB. */
function* batches(lines: Uint8Array[], show: (line: Uint8Array) => Uint8Array[]): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for (const line of lines) {
    for (const part of show(line)) {
      parts.push(part);
      length += part.length;
    }
    if (length < 65_536) continue;
    yield Buffer.concat(parts);
    parts = [];
    length = 0;
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}
