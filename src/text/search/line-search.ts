import type { Block, LineRun, Range } from "./block.ts";
import { countNewlines } from "./count.ts";
import type { Matcher } from "./matcher.ts";
import type { Line, Sink } from "./sink.ts";

/** Which lines are shown. */
export interface LineOptions {
  /** Lines that do not match. */
  invert?: boolean | undefined;
  /** Lines of context. */
  before?: number | undefined;
  after?: number | undefined;
  /** Count lines, so that the sink knows their numbers. */
  lineNumbers?: boolean | undefined;
}

const NEWLINE = 10;

/**
 * Which lines of one file are shown: matches, context and breaks, told to a sink. Fed with runs of whole lines; offsets are the file's. Beyond the run
 * it keeps a few numbers, and asks its caller to keep the last lines where context needs them.
 */
export class LineSearch {
  readonly #matcher: Matcher;
  readonly #sink: Sink;
  readonly #invert: boolean;
  readonly #before: number;
  readonly #after: number;
  #searched = 0;
  #shown = 0;
  #hasShown = false;
  #afterLeft = 0;
  #line: { number: number; at: number } | undefined;
  /** What is searched now. */
  #block: Block | undefined;

  constructor(matcher: Matcher, sink: Sink, options: LineOptions) {
    this.#matcher = matcher;
    this.#sink = sink;
    this.#invert = options.invert === true;
    this.#before = options.before ?? 0;
    this.#after = options.after ?? 0;
    this.#line = options.lineNumbers ? { number: 1, at: 0 } : undefined;
  }

  /** Offset up to which lines were searched. */
  get searched(): number {
    return this.#searched;
  }

  /** The end of the last line shown. */
  get shown(): number {
    return this.#shown;
  }

  /** True when lines that follow will be shown whether they match or not. */
  get wantsContext(): boolean {
    return this.#afterLeft > 0;
  }

  /** Searches what is new in `bytes`, the whole lines from `offset` on. False when the sink has had enough. */
  search(bytes: Buffer, offset: number): boolean {
    const run = { bytes, offset };
    const block = this.#matcher.block(bytes);
    this.#block = block;
    const takesRuns = this.#sink.matchedRun !== undefined && this.#line === undefined && !this.#hasContext;
    for (let at = this.#searched - offset; at < bytes.length; at = this.#searched - offset) {
      if (takesRuns) {
        if (!this.#selectRun(run, block, at)) return false;
        continue;
      }
      const found = this.#matcher.next(block, at);
      if (!(this.#invert ? this.#selectOthers(run, found) : this.#select(run, found))) return false;
    }
    return this.#showAfter(run, bytes.length);
  }

  /** How many bytes of the run are not needed any more. One line more than the context is kept, as ripgrep does, which shows in where blocks begin. */
  done({ bytes, offset }: Run): number {
    const keep = Math.max(this.#before, this.#after);
    const consumed =
      keep === 0 ? bytes.length : Math.max(linesBefore(bytes, 0, bytes.length, keep + 1), this.#shown - offset, 0);
    this.#countTo({ bytes, offset }, consumed);
    return consumed;
  }

  /** Goes on with the line at `offset`, which has the given number: nothing before it is searched or shown. */
  jump(offset: number, number: number): void {
    this.#searched = offset;
    if (this.#line !== undefined) this.#line = { number, at: offset };
  }

  #select(run: Run, found: Range | undefined): boolean {
    if (found === undefined) {
      this.#searched = run.offset + run.bytes.length;
      return true;
    }
    if (!this.#showAfter(run, found.start) || !this.#showBefore(run, found.start)) return false;
    this.#searched = run.offset + found.end;
    return this.#showMatch(run, found);
  }

  /** Selects the lines up to the one that was found. */
  #selectOthers(run: Run, found: Range | undefined): boolean {
    let at = this.#searched - run.offset;
    const end = found?.start ?? run.bytes.length;
    this.#searched = run.offset + (found?.end ?? run.bytes.length);
    if (at === end) return true;
    if (!this.#showAfter(run, at) || !this.#showBefore(run, at)) return false;
    while (at < end) {
      const line = { start: at, end: lineEnd(run.bytes, at) };
      if (!this.#showMatch(run, line)) return false;
      at = line.end;
    }
    return true;
  }

  /** Selects lines that follow each other, all at once. */
  #selectRun({ bytes, offset }: Run, block: Block, at: number): boolean {
    const found = this.#matcher.nextRun(block, at);
    this.#searched = offset + (found?.end ?? bytes.length);
    if (!this.#invert) return found === undefined || this.#tellRun(bytes, offset, found);
    const end = found?.start ?? bytes.length;
    if (at === end) return true;
    const count = countNewlines(bytes, at, end) + (bytes[end - 1] === NEWLINE ? 0 : 1);
    return this.#tellRun(bytes, offset, { start: at, end, count });
  }

  #tellRun(bytes: Buffer, offset: number, { start, end, count }: LineRun): boolean {
    if (this.#sink.matchedRun?.(bytes, start, end, count) === false) return false;
    this.#setShown(offset + end);
    return true;
  }

  get #hasContext(): boolean {
    return this.#before > 0 || this.#after > 0;
  }

  #showMatch(run: Run, range: Range): boolean {
    this.#showBreak(run, range.start);
    if (!this.#sink.matched(this.#lineAt(run, range))) return false;
    this.#setShown(run.offset + range.end);
    this.#afterLeft = this.#after;
    return true;
  }

  #showBefore(run: Run, upTo: number): boolean {
    const from = Math.max(0, this.#shown - run.offset);
    if (this.#before === 0 || from >= upTo) return true;
    for (let at = linesBefore(run.bytes, from, upTo, this.#before); at < upTo; ) {
      const line = { start: at, end: lineEnd(run.bytes, at) };
      this.#showBreak(run, at);
      if (!this.#sink.context(this.#lineAt(run, line), "before")) return false;
      this.#setShown(run.offset + line.end);
      at = line.end;
    }
    return true;
  }

  #showAfter(run: Run, upTo: number): boolean {
    for (let at = this.#shown - run.offset; this.#afterLeft > 0 && at < upTo; ) {
      const line = { start: at, end: lineEnd(run.bytes, at) };
      if (!this.#sink.context(this.#lineAt(run, line), "after")) return false;
      this.#setShown(run.offset + line.end);
      this.#afterLeft--;
      at = line.end;
    }
    return true;
  }

  #showBreak(run: Run, at: number): void {
    if (this.#hasContext && this.#hasShown && this.#shown < run.offset + at) this.#sink.contextBreak();
  }

  #setShown(offset: number): void {
    this.#shown = offset;
    this.#hasShown = true;
  }

  #lineAt(run: Run, { start, end }: Range): Line {
    this.#countTo(run, start);
    const found = new FoundLine(run.bytes, start, end, run.offset + start, this.#line?.number, this.#block);
    // Where the next line is shown too, its number is known without counting.
    if (this.#line !== undefined && run.bytes[end - 1] === NEWLINE) {
      this.#line.number++;
      this.#line.at = run.offset + end;
    }
    return found;
  }

  #countTo({ bytes, offset }: Run, upTo: number): void {
    if (this.#line === undefined || this.#line.at >= offset + upTo) return;
    this.#line.number += countNewlines(bytes, this.#line.at - offset, upTo);
    this.#line.at = offset + upTo;
  }
}

class FoundLine implements Line {
  readonly block: Buffer;
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly number: number | undefined;
  readonly #searched: Block | undefined;

  constructor(
    block: Buffer,
    start: number,
    end: number,
    offset: number,
    number: number | undefined,
    searched: Block | undefined,
  ) {
    this.block = block;
    this.start = start;
    this.end = end;
    this.offset = offset;
    this.number = number;
    this.#searched = searched;
  }

  get ascii(): string | undefined {
    return this.#searched?.asciiOf(this.start, this.end);
  }

  get bytes(): Buffer {
    return this.block.subarray(this.start, this.end);
  }
}

/** Whole lines, and the first one's offset in the file. */
export interface Run {
  bytes: Buffer;
  offset: number;
}

/** Where the last `count` lines of [from, to) begin. */
export function linesBefore(bytes: Buffer, from: number, to: number, count: number): number {
  let at = to;
  for (let left = count; left > 0 && at > from; left--) {
    const newline = at - 2 < from ? -1 : bytes.lastIndexOf(NEWLINE, at - 2);
    at = newline < from ? from : newline + 1;
  }
  return at;
}

function lineEnd(bytes: Buffer, at: number): number {
  return bytes.indexOf(NEWLINE, at) + 1 || bytes.length;
}
