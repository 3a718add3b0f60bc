import {
  type FollowProgress,
  LineClock,
  LineSplitter,
  mergeLines,
  ReorderWindow,
  type TimedLine,
} from "../../src/follow/index.ts";
import { StreamDelay } from "./stream-delay.ts";

/** Milliseconds that a line of a followed file waits for an earlier line of another file. */
const LIMITS = { minMs: 1, maxMs: 250 };
/** Maximum number of files that are checked for unread bytes per millisecond. */
const CHECKS_PER_MS = 50;
/** Number of files above which a check trusts the events of the kernel: fstat(2) of all is slow. */
const MANY = 200;
/** Milliseconds that an unfinished line waits for its rest. Then it is printed as it is. */
const UNFINISHED_MS = 1000;
/** Maximum bytes of waiting lines. Above it, backpressure stops reading. */
const MAX_WAITING = 4 * 1024 * 1024;

/**
 * Receives merged lines, each with its file. An unfinished line has no delimiter. Resolves when it
 * accepts more.
 */
export interface LineReceiver<Source> {
  line(source: Source, bytes: Uint8Array): Promise<void>;
  /**
   * Receives a part of a line. More parts may follow, or the rest of the line. Default:
   * {@link line}.
   */
  piece?(source: Source, bytes: Uint8Array): Promise<void>;
  /**
   * Receives lines, parts of lines and marks ({@link Merger.mark}) together. A mark has no source:
   * all lines before its time have been passed on. Default: {@link line} and {@link piece}.
   */
  records?: ((lines: readonly TimedLine<Source | undefined>[]) => Promise<void>) | undefined;
}

/** The state of one file. */
interface Track<Source> {
  clock: LineClock<Source | undefined>;
  /** How far the file was read; undefined for a stream. */
  progress: FollowProgress | undefined;
  splitter: LineSplitter;
  timer: NodeJS.Timeout | undefined;
  /** True if the last output was a part of a line. */
  isOpen: boolean;
}

/** Prints the lines of several files in order of their timestamps. */
export class Merger<Source extends { readonly name: string }> {
  readonly #printer: LineReceiver<Source>;
  readonly #delimiter: number;
  /** The source of a mark is undefined. */
  readonly #window = new ReorderWindow<Source | undefined>(LIMITS);
  readonly #marks = new LineClock<Source | undefined>(undefined, () => Date.now() - LIMITS.minMs);
  readonly #streams = new StreamDelay<Source>(LIMITS.maxMs);
  readonly #tracks = new Map<Source, Track<Source>>();
  readonly #pieces = new WeakSet<Uint8Array>();
  #timer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;

  constructor(printer: LineReceiver<Source>, delimiter: number) {
    this.#printer = printer;
    this.#delimiter = delimiter;
  }

  /**
   * `timeOf` returns the timestamp of a line of this file, `progress` how far its follow has read.
   */
  add(source: Source, timeOf: (line: Uint8Array) => number | undefined, progress?: FollowProgress): void {
    const splitter = new LineSplitter(this.#delimiter);
    const clock = new LineClock<Source | undefined>(source, timeOf);
    this.#tracks.set(source, { clock, progress, splitter, timer: undefined, isOpen: false });
    if (progress === undefined) this.#streams.add(source);
  }

  /** Removes a file that is no longer followed. Prints its unfinished line. */
  async leave(source: Source): Promise<void> {
    await this.endLine(source);
    this.#streams.delete(source);
    this.#tracks.delete(source);
  }

  /**
   * Passes a mark to {@link LineReceiver.records} once all lines before its time were passed on.
   * The time is the current one, less the minimum time that lines are held.
   */
  mark(): void {
    const mark = this.#marks.stamp(new Uint8Array(0));
    this.#push(mark, this.#streams.holdMs(undefined, mark.time, Date.now()) ?? 0);
    void this.#pump(performance.now());
  }

  /** Merges the initial parts of the files. */
  async show(parts: readonly { source: Source; pieces: AsyncIterable<Buffer>; goesOn: boolean }[]): Promise<void> {
    const lines = parts.map(({ source, pieces, goesOn }) => this.#lines(source, pieces, goesOn));
    for await (const line of mergeLines(lines)) await this.#print(line);
    for (const { source } of parts) this.#hold(this.#of(source));
  }

  /**
   * Takes a chunk of a followed file and prints its lines after the window. Resolves when it
   * accepts more.
   */
  async take(source: Source, bytes: Uint8Array): Promise<void> {
    const track = this.#of(source);
    if (track.progress?.isKnown !== true) this.#streams.add(source);
    for (const line of track.splitter.push(bytes)) this.#push(track.clock.stamp(this.#marked(track, line), Date.now()));
    this.#hold(track);
    if (this.#window.bytes > MAX_WAITING) await this.#pump(Number.POSITIVE_INFINITY);
    else if (this.#tracks.size === 1) await this.#pump(performance.now());
    else this.#schedule();
  }

  /** Ends an unfinished line: the next chunk belongs to another generation of the file. */
  async endLine(source: Source): Promise<void> {
    const track = this.#of(source);
    const rest = track.splitter.end();
    if (rest.length > 0 || track.isOpen) this.#push(track.clock.stamp(rest, Date.now()));
    track.isOpen = false;
    this.#hold(track);
    this.#schedule();
  }

  /** Prints all waiting lines, including unfinished ones. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    for (const { clock, splitter, timer } of this.#tracks.values()) {
      clearTimeout(timer);
      const rest = splitter.end();
      if (rest.length > 0) this.#push(clock.stamp(rest, Date.now()));
    }
    await this.#pump(Number.POSITIVE_INFINITY);
  }

  async *#lines(
    source: Source,
    pieces: AsyncIterable<Buffer>,
    goesOn: boolean,
  ): AsyncGenerator<TimedLine<Source | undefined>> {
    const track = this.#of(source);
    const { clock, splitter } = track;
    for await (const piece of pieces)
      for (const line of splitter.push(piece)) yield clock.stamp(this.#marked(track, line));
    // The last line of a followed file may be continued.
    const rest = goesOn ? undefined : splitter.end();
    if (rest && rest.length > 0) yield clock.stamp(rest);
  }

  #of(source: Source): Track<Source> {
    const found = this.#tracks.get(source);
    if (!found) throw new Error(`no clock for ${source.name}`);
    return found;
  }

  /** Passes an unfinished line on if its rest does not arrive soon, such as a prompt. */
  #hold(track: Track<Source>): void {
    clearTimeout(track.timer);
    if (!track.splitter.hasRest) return;
    track.timer = setTimeout(() => {
      const rest = this.#marked(track, track.splitter.end());
      this.#push(track.clock.stamp(rest, Date.now()));
      this.#schedule();
    }, UNFINISHED_MS);
  }

  #push(line: TimedLine<Source | undefined>, holdMs = this.#holdMs(line)): void {
    this.#streams.saw(line.source, line.time, Date.now());
    this.#window.push(line, performance.now(), holdMs);
  }

  /** The lines of a single file arrive in order, so they need not wait. */
  #holdMs({ source, time }: TimedLine<Source | undefined>): number | undefined {
    return this.#tracks.size === 1 ? 0 : this.#streams.holdMs(source, time, Date.now());
  }

  /** Returns the same bytes, marked if they are a part of a line. */
  #marked(track: Track<Source>, bytes: Uint8Array): Uint8Array {
    track.isOpen = bytes.at(-1) !== this.#delimiter;
    if (track.isOpen) this.#pieces.add(bytes);
    return bytes;
  }

  #print({ source, bytes }: TimedLine<Source | undefined>): Promise<void> | undefined {
    if (source === undefined) return undefined;
    if (this.#pieces.has(bytes) && this.#printer.piece) return this.#printer.piece(source, bytes);
    return this.#printer.line(source, bytes);
  }

  #schedule(): void {
    const { due } = this.#window;
    if (this.#timer !== undefined || due === undefined) return;
    const delayMs = Math.max(1, Math.ceil(Math.min(MANY, this.#tracks.size) / CHECKS_PER_MS), due - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#pump(performance.now());
    }, delayMs);
  }

  /** Takes the lines whose order is final: all other files were read after the lines arrived. */
  #take(until: number): TimedLine<Source | undefined>[] {
    if (until === Number.POSITIVE_INFINITY) return this.#window.take(until);
    let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    let slowest: Source | undefined;
    for (const [source, { progress }] of this.#tracks) {
      if (progress?.isKnown !== true) continue;
      const { readUntil } = progress;
      if (readUntil < first) [first, second, slowest] = [readUntil, first, source];
      else if (readUntil < second) second = readUntil;
    }
    return this.#window.take(until, (source) => (source !== undefined && source === slowest ? second : first));
  }

  /** Checks all files if lines are due. If a file has unread bytes, lets its follow read them. */
  async #readAll(until: number): Promise<void> {
    const { due } = this.#window;
    if (due === undefined || due > until) return;
    let isRead = true;
    const drained = this.#tracks.size > MANY ? new Set<object>() : undefined;
    for (const { progress } of this.#tracks.values()) if (progress?.isKnown && !progress.check(drained)) isRead = false;
    if (!isRead) await new Promise((resolve) => setImmediate(resolve));
  }

  async #pump(until: number): Promise<void> {
    while (this.#pumping) await this.#pumping;
    this.#pumping = (async () => {
      if (until !== Number.POSITIVE_INFINITY) await this.#readAll(until);
      const lines = this.#take(until);
      if (this.#printer.records !== undefined) await this.#printer.records(lines);
      else for (const line of lines) await this.#print(line);
    })();
    try {
      await this.#pumping;
    } finally {
      this.#pumping = undefined;
    }
    this.#schedule();
  }
}
