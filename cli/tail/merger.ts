import { LineClock, LineSplitter, mergeLines, ReorderWindow, type TimedLine } from "../../src/follow/index.ts";

/** Milliseconds that a line of a followed file waits for an earlier line of another file. */
const WINDOW_MS = 250;
/** Maximum bytes of waiting lines; above it, back-pressure stops reading. */
const MOST_WAITING = 4 * 1024 * 1024;

/**
 * Where merged lines go, each with the file that it is of; what nothing ended has no delimiter.
 * Resolves when it may bring more.
 */
export interface LineTaker<Lane> {
  line(lane: Lane, bytes: Uint8Array): Promise<void>;
}

/** Prints the lines of several files in order of their timestamps. */
export class Merger<Lane extends { readonly name: string }> {
  readonly #printer: LineTaker<Lane>;
  readonly #delimiter: number;
  readonly #window = new ReorderWindow<Lane>(WINDOW_MS);
  readonly #clocks = new Map<Lane, { clock: LineClock<Lane>; splitter: LineSplitter }>();
  #timer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;

  constructor(printer: LineTaker<Lane>, delimiter: number) {
    this.#printer = printer;
    this.#delimiter = delimiter;
  }

  /** `timeOf` returns the timestamp of a line of this file. */
  add(lane: Lane, timeOf: (line: Uint8Array) => number | undefined): void {
    this.#clocks.set(lane, { clock: new LineClock(lane, timeOf), splitter: new LineSplitter(this.#delimiter) });
  }

  /** Merges the initial parts of the files. */
  async show(parts: readonly { lane: Lane; pieces: AsyncIterable<Buffer>; goesOn: boolean }[]): Promise<void> {
    const lines = parts.map(({ lane, pieces, goesOn }) => this.#lines(lane, pieces, goesOn));
    for await (const { source, bytes } of mergeLines(lines)) await this.#printer.line(source, bytes);
  }

  /**
   * Takes a chunk of a followed file and prints its lines after the window. Resolves when it
   * accepts more.
   */
  async take(lane: Lane, bytes: Uint8Array): Promise<void> {
    const { clock, splitter } = this.#of(lane);
    const now = performance.now();
    for (const line of splitter.push(bytes)) this.#window.push(clock.place(line, Date.now()), now);
    if (this.#window.bytes > MOST_WAITING) await this.#pump(Number.POSITIVE_INFINITY);
    else this.#schedule();
  }

  /** Ends an unfinished line: the next chunk belongs to another generation of the file. */
  async endLine(lane: Lane): Promise<void> {
    const { clock, splitter } = this.#of(lane);
    const rest = splitter.end();
    if (rest.length > 0) this.#window.push(clock.place(rest, Date.now()), performance.now());
    this.#schedule();
  }

  /** Prints all waiting lines, including unfinished ones. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    for (const { clock, splitter } of this.#clocks.values()) {
      const rest = splitter.end();
      if (rest.length > 0) this.#window.push(clock.place(rest, Date.now()), 0);
    }
    await this.#pump(Number.POSITIVE_INFINITY);
  }

  async *#lines(lane: Lane, pieces: AsyncIterable<Buffer>, goesOn: boolean): AsyncGenerator<TimedLine<Lane>> {
    const { clock, splitter } = this.#of(lane);
    for await (const piece of pieces) for (const line of splitter.push(piece)) yield clock.place(line);
    // The last line of a followed file may be continued.
    const rest = goesOn ? undefined : splitter.end();
    if (rest && rest.length > 0) yield clock.place(rest);
  }

  #of(lane: Lane) {
    const found = this.#clocks.get(lane);
    if (!found) throw new Error(`no clock for ${lane.name}`);
    return found;
  }

  #schedule(): void {
    const { due } = this.#window;
    if (this.#timer !== undefined || due === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        void this.#pump(performance.now());
      },
      Math.max(1, due - performance.now()),
    );
  }

  async #pump(until: number): Promise<void> {
    while (this.#pumping) await this.#pumping;
    this.#pumping = (async () => {
      for (const { source, bytes } of this.#window.take(until)) await this.#printer.line(source, bytes);
    })();
    await this.#pumping;
    this.#pumping = undefined;
    this.#schedule();
  }
}
