import { dieBySignal, isTerminal, Output } from "../../src/descriptors/index.ts";
import { LineSplitter } from "../../src/follow/index.ts";
import type { TerminalStream } from "../../src/text/index.ts";
import { Exit, printable } from "../io/fail.ts";
import { failOutput } from "../io/output.ts";
import { lineRecord, type RecordOrigin } from "./line-record.ts";
import { printMessage } from "./messages.ts";
import { SOURCE_COLOURS } from "./source-colours.ts";

/** How what comes from several files is told apart. */
export interface PrinterOptions {
  /** Whose words a failure to write is told in. */
  command: "head" | "tail";
  /** `==> name <==` whenever another file's turn begins, as GNU. */
  headers: boolean;
  /** The name before each line. */
  prefix: boolean;
  /** Each line as a JSON object, in place of headers and prefixes. */
  json: boolean;
  /** Whole lines only, as far as they come: several files write to one output. */
  shared: boolean;
  delimiter: number;
  color: "auto" | "always" | "never";
}

/** Milliseconds that an unfinished line of one of several files is held back for its rest. */
const UNFINISHED_MS = 100;

/** Bytes of an unfinished line that are held back. */
const MOST_UNFINISHED = 1024 * 1024;
const RETURN = 13;

/** One file's way to the output. */
export interface OutputSource {
  readonly name: string;
  readonly splitter: LineSplitter;
  prefix: Uint8Array;
  /** A line as it is shown; undefined: as it is. */
  record: ((line: Uint8Array) => Uint8Array) | undefined;
  /** The beginning of a line whose end has not come. */
  rest: Uint8Array;
  /** With prefixes: an unfinished line of it stands on the output, or a carriage return was its last byte. */
  open: boolean;
  return: boolean;
  timer: NodeJS.Timeout | undefined;
  terminal: TerminalStream | undefined;
}

/** Writes what head and tail show: contents byte for byte to a file or pipe, made safe on a terminal, in turns that never overlap. */
export class Printer {
  readonly #options: PrinterOptions;
  readonly #output = new Output(1);
  readonly #onTerminal = isTerminal(1);
  readonly #lanes: OutputSource[] = [];
  #text: typeof import("../../src/text/index.ts") | undefined;
  #last: OutputSource | undefined;
  /** The file whose unfinished line stands on the output. */
  #unfinished: OutputSource | undefined;
  #first = true;
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

  /** Ends the process as a broken pipe does, as soon as the output's reader is gone. Keeps the process alive meanwhile. */
  watchReader(): void {
    this.#gone = this.#output.onReaderGone(() => dieBySignal("SIGPIPE"));
  }

  /** `timeOf`: how a line of this file tells its time, `originOf`: what the engine knows of a line, for JSON. */
  lane(
    name: string,
    timeOf?: (line: Uint8Array) => number | undefined,
    originOf?: (line: Uint8Array) => RecordOrigin | undefined,
  ): OutputSource {
    const { delimiter, prefix, json } = this.#options;
    const colours = this.#colours;
    const lane: OutputSource = {
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
      const colour = SOURCE_COLOURS[this.#lanes.length % SOURCE_COLOURS.length];
      lane.prefix = Buffer.from(colours ? `\x1b[${colour}m${shown} |\x1b[0m ` : `${shown} | `);
    }
    this.#lanes.push(lane);
    return lane;
  }

  /** The last of the files named, whose header a follow begins as if it had been shown. */
  begunWith(lane: OutputSource | undefined): void {
    this.#last = lane;
  }

  /** Shows the header, where there are headers, though nothing may come. */
  begin(lane: OutputSource): Promise<void> {
    return this.#inTurn(() => this.#header(lane));
  }

  /** Shows a piece of a file's content. Resolves when the output has taken it. */
  write(lane: OutputSource, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#options.prefix) return this.#prefixed(lane, bytes);
      if (this.#byLine) {
        for (const part of batches(lane.splitter.push(bytes), (line) => shown(lane, line))) await this.#put(lane, part);
        return;
      }
      if (!this.#options.shared) return this.#put(lane, bytes);
      const end = bytes.lastIndexOf(this.#options.delimiter) + 1;
      clearTimeout(lane.timer);
      if (end > 0) {
        const whole =
          lane.rest.length > 0 ? Buffer.concat([lane.rest, bytes.subarray(0, end)]) : bytes.subarray(0, end);
        lane.rest = bytes.slice(end);
        await this.#put(lane, whole);
      } else lane.rest = Buffer.concat([lane.rest, bytes]);
      if (lane.rest.length > MOST_UNFINISHED) {
        await this.#put(lane, lane.rest);
        lane.rest = new Uint8Array(0);
      }
      if (lane.rest.length > 0) lane.timer = setTimeout(() => void this.flush(lane), UNFINISHED_MS);
    });
  }

  /** Shows a whole line, as it is or with its prefix. */
  line(lane: OutputSource, bytes: Uint8Array): Promise<void> {
    const { delimiter } = this.#options;
    const isWhole = lane.record !== undefined || bytes.at(-1) === delimiter;
    const parts = isWhole ? shown(lane, bytes) : [...shown(lane, bytes), Buffer.of(delimiter)];
    return this.#inTurn(() => this.#put(lane, Buffer.concat(parts)));
  }

  /**
   * What comes next of this file is of another generation: a line that nothing ended ends here. Without prefixes and
   * JSON the bytes are the file's own, as with GNU tail.
   */
  async endLine(lane: OutputSource): Promise<void> {
    if (this.#options.json) await this.flush(lane);
    else if (this.#options.prefix) await this.#inTurn(() => this.#closeLine(lane));
  }

  /** Shows a line that nothing ended. */
  flush(lane: OutputSource): Promise<void> {
    return this.#inTurn(async () => {
      clearTimeout(lane.timer);
      const rest = this.#options.json ? lane.splitter.end() : lane.rest;
      lane.rest = new Uint8Array(0);
      if (rest.length > 0) await this.#put(lane, Buffer.concat(shown(lane, rest)));
      if (lane.return) await this.#prefixed(lane, new Uint8Array(0), true);
    });
  }

  /** Shows what is left of every file. */
  async end(): Promise<void> {
    this.#gone?.close();
    for (const lane of this.#lanes) await this.flush(lane);
    for (const lane of this.#lanes) {
      const text = lane.terminal?.end() ?? "";
      if (text !== "") await this.#inTurn(() => this.#send(Buffer.from(text)));
    }
  }

  get #byLine(): boolean {
    return this.#options.prefix || this.#options.json;
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

  async #header(lane: OutputSource): Promise<void> {
    if (!this.#options.headers) return;
    const name = this.#onTerminal ? printable(lane.name) : lane.name;
    await this.#send(Buffer.from(`${this.#first ? "" : "\n"}==> ${name} <==\n`));
    this.#first = false;
    this.#last = lane;
  }

  /**
   * Each line behind the name, an unfinished one at once. A line of another file ends it; its rest comes behind the name
   * again. A carriage return of its own, as of a progress bar, ends a line too; before a newline it stays.
   */
  async #prefixed(lane: OutputSource, bytes: Uint8Array, isEnd = false): Promise<void> {
    const { delimiter } = this.#options;
    const all = lane.return ? Buffer.concat([Buffer.of(RETURN), bytes]) : bytes;
    const end = !isEnd && all.at(-1) === RETURN ? all.length - 1 : all.length;
    lane.return = end < all.length;
    const parts: Uint8Array[] = [];
    for (let at = 0; at < end; ) {
      const newline = all.indexOf(delimiter, at);
      const stop = newline === -1 ? end : newline;
      const back = all.indexOf(RETURN, at);
      const isBar = back !== -1 && back < (all[stop - 1] === RETURN && newline !== -1 ? stop - 1 : stop);
      const next = isBar ? back + 1 : Math.min(end, stop + 1);
      if (!lane.open) parts.push(lane.prefix);
      if (isBar) parts.push(all.subarray(at, back), Buffer.of(delimiter));
      else parts.push(all.subarray(at, next));
      lane.open = !isBar && newline === -1;
      at = next;
    }
    if (parts.length === 0) return;
    if (this.#unfinished !== undefined && this.#unfinished !== lane) await this.#closeLine(this.#unfinished);
    this.#unfinished = lane.open ? lane : undefined;
    await this.#put(lane, Buffer.concat(parts));
  }

  /** Ends the unfinished line of a file. */
  async #closeLine(lane: OutputSource): Promise<void> {
    lane.return = false;
    if (!lane.open) return;
    lane.open = false;
    if (this.#unfinished === lane) this.#unfinished = undefined;
    await this.#put(lane, Buffer.of(this.#options.delimiter));
  }

  async #put(lane: OutputSource, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    if (lane !== this.#last) await this.#header(lane);
    this.#last = lane;
    if (lane.terminal) await this.#send(Buffer.from(lane.terminal.push(Buffer.from(bytes))));
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

/** Lines as they are shown, joined to pieces of about 64 KiB. */
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
