import { LineClock, LineSplitter, mergeLines, ReorderWindow, type TimedLine } from "../../src/follow/index.ts";

/** Milliseconds that a line of a followed file waits for an earlier line of another file. */
const WINDOW_MS = 250;
/** Milliseconds that an unfinished line waits for its rest. Then it is printed as it is. */
const UNFINISHED_MS = 1000;
/** Maximum bytes of waiting lines. Above it, backpressure stops reading. */
const MAX_WAITING = 4 * 1024 * 1024;

/**
 * Receives merged lines, each with its file. An unfinished line has no delimiter. Resolves when it
 * accepts more.
 */
export interface LineTaker<Lane> {
  line(lane: Lane, bytes: Uint8Array): Promise<void>;
  /**
   * Receives a part of a line. More parts may follow, or the rest of the line. Default:
   * {@link line}.
   */
  piece?(lane: Lane, bytes: Uint8Array): Promise<void>;
}

/** The state of one file. */
interface Track<Lane> {
  clock: LineClock<Lane>;
  splitter: LineSplitter;
  timer: NodeJS.Timeout | undefined;
  /** True if the last output was a part of a line. */
  isOpen: boolean;
}

/** Prints the lines of several files in order of their timestamps. */
export class Merger<Lane extends { readonly name: string }> {
  readonly #printer: LineTaker<Lane>;
  readonly #delimiter: number;
  readonly #window = new ReorderWindow<Lane>(WINDOW_MS);
  readonly #tracks = new Map<Lane, Track<Lane>>();
  readonly #pieces = new WeakSet<Uint8Array>();
  #timer: NodeJS.Timeout | undefined;
  #pumping: Promise<void> | undefined;

  constructor(printer: LineTaker<Lane>, delimiter: number) {
    this.#printer = printer;
    this.#delimiter = delimiter;
  }

  /** `timeOf` returns the timestamp of a line of this file. */
  add(lane: Lane, timeOf: (line: Uint8Array) => number | undefined): void {
    const splitter = new LineSplitter(this.#delimiter);
    this.#tracks.set(lane, { clock: new LineClock(lane, timeOf), splitter, timer: undefined, isOpen: false });
  }

  /** Merges the initial parts of the files. */
  async show(parts: readonly { lane: Lane; pieces: AsyncIterable<Buffer>; goesOn: boolean }[]): Promise<void> {
    const lines = parts.map(({ lane, pieces, goesOn }) => this.#lines(lane, pieces, goesOn));
    for await (const { source, bytes } of mergeLines(lines)) await this.#print(source, bytes);
    for (const { lane } of parts) this.#hold(this.#of(lane));
  }

  /**
   * Takes a chunk of a followed file and prints its lines after the window. Resolves when it
   * accepts more.
   */
  async take(lane: Lane, bytes: Uint8Array): Promise<void> {
    const track = this.#of(lane);
    // The lines of a single file arrive in order, so they need not wait.
    const since = performance.now() - (this.#tracks.size === 1 ? WINDOW_MS : 0);
    for (const line of track.splitter.push(bytes))
      this.#window.push(track.clock.stamp(this.#marked(track, line), Date.now()), since);
    this.#hold(track);
    if (this.#window.bytes > MAX_WAITING) await this.#pump(Number.POSITIVE_INFINITY);
    else this.#schedule();
  }

  /** Ends an unfinished line: the next chunk belongs to another generation of the file. */
  async endLine(lane: Lane): Promise<void> {
    const track = this.#of(lane);
    const rest = track.splitter.end();
    if (rest.length > 0 || track.isOpen) this.#window.push(track.clock.stamp(rest, Date.now()), performance.now());
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
      if (rest.length > 0) this.#window.push(clock.stamp(rest, Date.now()), 0);
    }
    await this.#pump(Number.POSITIVE_INFINITY);
  }

  async *#lines(lane: Lane, pieces: AsyncIterable<Buffer>, goesOn: boolean): AsyncGenerator<TimedLine<Lane>> {
    const track = this.#of(lane);
    const { clock, splitter } = track;
    for await (const piece of pieces)
      for (const line of splitter.push(piece)) yield clock.stamp(this.#marked(track, line));
    // The last line of a followed file may be continued.
    const rest = goesOn ? undefined : splitter.end();
    if (rest && rest.length > 0) yield clock.stamp(rest);
  }

  #of(lane: Lane): Track<Lane> {
    const found = this.#tracks.get(lane);
    if (!found) throw new Error(`no clock for ${lane.name}`);
    return found;
  }

  /** Passes an unfinished line on if its rest does not arrive soon, such as a prompt. */
  #hold(track: Track<Lane>): void {
    clearTimeout(track.timer);
    if (!track.splitter.hasRest) return;
    track.timer = setTimeout(() => {
      const rest = this.#marked(track, track.splitter.end());
      this.#window.push(track.clock.stamp(rest, Date.now()), performance.now());
      this.#schedule();
    }, UNFINISHED_MS);
  }

  /** Returns the same bytes, marked if they are a part of a line. */
  #marked(track: Track<Lane>, bytes: Uint8Array): Uint8Array {
    track.isOpen = bytes.at(-1) !== this.#delimiter;
    if (track.isOpen) this.#pieces.add(bytes);
    return bytes;
  }

  #print(lane: Lane, bytes: Uint8Array): Promise<void> {
    if (this.#pieces.has(bytes) && this.#printer.piece) return this.#printer.piece(lane, bytes);
    return this.#printer.line(lane, bytes);
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
      for (const { source, bytes } of this.#window.take(until)) await this.#print(source, bytes);
    })();
    await this.#pumping;
    this.#pumping = undefined;
    this.#schedule();
  }
}
