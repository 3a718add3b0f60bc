import { isUtf8 } from "node:buffer";
import { MatchLimit } from "./limit.ts";
import type { Matcher } from "./matcher.ts";
import type { Output } from "./output.ts";
import type { Line, SearchEnd, Sink } from "./sink.ts";

/** Options of {@link JsonPrinter}. */
export interface JsonOptions {
  /** Context lines are matching ones (-v): what matched in them is told. */
  invert: boolean;
  after: number;
  maxCount?: number | undefined;
  /** Writes every character that a terminal could take for a command as an escape. */
  escapes?: boolean | undefined;
}

const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu;

function escapeCharacter(character: string): string {
  let escaped = "";
  for (let i = 0; i < character.length; i++) escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return escaped;
}

/** Sums over one file, or all. */
interface Stats {
  nanoseconds: bigint;
  searches: number;
  searchesWithMatch: number;
  bytesSearched: number;
  bytesPrinted: number;
  matchedLines: number;
  matches: number;
}

/** Prints ripgrep's JSON Lines (see docs/json.md): a line for a file's begin, each match and line of context, its end; a summary. */
export class JsonPrinter {
  readonly matcher: Matcher;
  readonly output: Output;
  readonly options: JsonOptions;
  readonly total = noStats();
  readonly #began = process.hrtime.bigint();

  constructor(matcher: Matcher, output: Output, options: JsonOptions) {
    this.matcher = matcher;
    this.output = output;
    this.options = options;
  }

  /** `path` exactly as it is named. */
  file(path: Buffer): JsonFilePrinter {
    return new JsonFilePrinter(this, path);
  }

  /** Writes one line. */
  line(value: object): void {
    const text = JSON.stringify(value);
    this.output.text(`${this.options.escapes ? text.replace(UNSAFE, escapeCharacter) : text}\n`);
  }

  /** The last line. */
  finish(): void {
    const { human, nanos, secs } = duration(process.hrtime.bigint() - this.#began);
    const stats = encodeStats(this.total);
    const { elapsed } = stats;
    // Here ripgrep orders names alphabetically.
    const data = {
      elapsed_total: { human, nanos, secs },
      stats: {
        bytes_printed: stats.bytes_printed,
        bytes_searched: stats.bytes_searched,
        elapsed: { human: elapsed.human, nanos: elapsed.nanos, secs: elapsed.secs },
        matched_lines: stats.matched_lines,
        matches: stats.matches,
        searches: stats.searches,
        searches_with_match: stats.searches_with_match,
      },
    };
    this.line({ data, type: "summary" });
  }
}

class JsonFilePrinter implements Sink {
  readonly #printer: JsonPrinter;
  readonly #path: Content;
  readonly #limit: MatchLimit;
  readonly #began = process.hrtime.bigint();
  readonly #before: number;
  readonly #stats = noStats();
  #hasBegun = false;

  constructor(printer: JsonPrinter, path: Buffer) {
    this.#printer = printer;
    this.#path = content(path);
    this.#limit = new MatchLimit(printer.options.maxCount, printer.options.after);
    this.#before = printer.output.count;
  }

  /** Lines that matched. */
  get matches(): number {
    return this.#limit.count;
  }

  matched(line: Line): boolean {
    this.#limit.matched();
    const submatches = this.#submatches(line);
    this.#stats.matches += submatches.length;
    this.#stats.matchedLines++;
    this.#line("match", line, submatches);
    return !this.#limit.isReached;
  }

  context(line: Line, kind: "before" | "after"): boolean {
    if (kind === "after") this.#limit.context();
    this.#line("context", line, this.#printer.options.invert ? this.#submatches(line) : []);
    return !this.#limit.isReached;
  }

  contextBreak(): void {}

  binary(): void {}

  finish({ bytes, binaryAt }: SearchEnd): void {
    if (!this.#hasBegun) return;
    const stats = this.#stats;
    stats.nanoseconds = process.hrtime.bigint() - this.#began;
    stats.searches = 1;
    stats.searchesWithMatch = this.matches > 0 ? 1 : 0;
    stats.bytesSearched = bytes;
    stats.bytesPrinted = this.#printer.output.count - this.#before;
    this.#message("end", { path: this.#path, binary_offset: binaryAt ?? null, stats: encodeStats(stats) });
    const { total } = this.#printer;
    total.nanoseconds += stats.nanoseconds;
    total.searches += stats.searches;
    total.searchesWithMatch += stats.searchesWithMatch;
    total.bytesSearched += stats.bytesSearched;
    total.bytesPrinted += stats.bytesPrinted;
    total.matchedLines += stats.matchedLines;
    total.matches += stats.matches;
  }

  #line(type: "match" | "context", line: Line, submatches: readonly object[]): void {
    if (!this.#hasBegun) this.#message("begin", { path: this.#path });
    this.#hasBegun = true;
    this.#message(type, {
      path: this.#path,
      lines: content(line.bytes),
      line_number: line.number ?? null,
      absolute_offset: line.offset,
      submatches,
    });
  }

  #submatches(line: Line): object[] {
    const { bytes } = line;
    return this.#printer.matcher
      .matchesIn(line)
      .map(({ start, end }) => ({ match: content(bytes.subarray(start, end)), start, end }));
  }

  #message(type: string, data: object): void {
    this.#printer.line({ type, data });
  }
}

/** Text where it is UTF-8, else base64. */
type Content = { text: string } | { bytes: string };

function content(bytes: Buffer): Content {
  return isUtf8(bytes) ? { text: bytes.toString() } : { bytes: bytes.toString("base64") };
}

function encodeStats(stats: Stats) {
  return {
    elapsed: duration(stats.nanoseconds),
    searches: stats.searches,
    searches_with_match: stats.searchesWithMatch,
    bytes_searched: stats.bytesSearched,
    bytes_printed: stats.bytesPrinted,
    matched_lines: stats.matchedLines,
    matches: stats.matches,
  };
}

function duration(nanoseconds: bigint) {
  const secs = Number(nanoseconds / 1_000_000_000n);
  const nanos = Number(nanoseconds % 1_000_000_000n);
  return { secs, nanos, human: `${(secs + nanos / 1e9).toFixed(6)}s` };
}

function noStats(): Stats {
  return {
    nanoseconds: 0n,
    searches: 0,
    searchesWithMatch: 0,
    bytesSearched: 0,
    bytesPrinted: 0,
    matchedLines: 0,
    matches: 0,
  };
}
