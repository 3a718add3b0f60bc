import type { LinePrinter } from "./line-printer.ts";
import { type LineRecord, milliseconds, type TimeMark } from "./line-record.ts";
import { MarkAsker } from "./mark-asker.ts";
import { PlaceMerge } from "./place-merge.ts";
import type { RecordSource } from "./record-source.ts";

/** Milliseconds that a line waits for an earlier line from an idle place. */
const WINDOW_MS = 250;
/** Minimum milliseconds between two requests for a mark of one place. */
const MARK_PAUSE_MS = 2;
/** Maximum bytes of waiting lines in a follow. Above it, lines are printed at once. */
const MAX_WAITING = 4 * 1024 * 1024;
/** Maximum bytes of lines that standard output has not accepted. Above it, places are paused. */
const MAX_UNWRITTEN = 1024 * 1024;
/** Maximum bytes of waiting lines without a follow. A place that exceeds its share is paused. */
const MAX_SHARED = 1024 * 1024;

/** Receives the records of several places and prints them. */
export interface RecordOutput {
  /**
   * Call when a place begins to send: lines of other places then wait for it.
   * @param askMark see {@link RecordRun.askMark}; undefined until the place has started
   */
  open(source: RecordSource, askMark?: () => void): void;
  /** Accepts a record. Resolves when the output accepts more. */
  take(source: RecordSource, record: LineRecord): Promise<void>;
  /** Accepts a mark. */
  mark(source: RecordSource, mark: TimeMark): Promise<void>;
  /** Call when a place stops sending. It may be opened again later. */
  leave(source: RecordSource): Promise<void>;
  end(): Promise<void>;
}

/** Writes to standard output. Resolves when the output accepts more. */
export type Write = (bytes: Buffer) => void | Promise<void>;

/** Prints records as they arrive. */
export function directOutput(printer: LinePrinter, write: Write): RecordOutput {
  return {
    open: () => undefined,
    take: async (_, record) => write(printer.print(record)),
    mark: async () => {},
    leave: async () => {},
    end: async () => write(printer.end()),
  };
}

/**
 * Prints records of several places in order of their times. The order is exact unless the command
 * follows.
 */
export class MergedOutput implements RecordOutput {
  readonly #merge: PlaceMerge<RecordSource, LineRecord>;
  readonly #printer: LinePrinter;
  readonly #write: Write;
  readonly #maxOfOne: number;
  readonly #follows: boolean;
  /** Paused places, which have exceeded their share. */
  readonly #full = new Map<RecordSource, () => void>();
  readonly #askers = new Map<RecordSource, MarkAsker>();
  #timer: NodeJS.Timeout | undefined;
  #isDueSoon = false;
  #unwritten = 0;
  #writing: Promise<void> = Promise.resolve();

  /** @param places number of places that send */
  constructor(printer: LinePrinter, write: Write, places: number, follows: boolean) {
    this.#printer = printer;
    this.#write = write;
    this.#follows = follows;
    const [windowMs, maxBytes] = follows
      ? [WINDOW_MS, MAX_WAITING]
      : [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    this.#merge = new PlaceMerge({ windowMs, maxBytes });
    this.#maxOfOne = follows ? Number.POSITIVE_INFINITY : MAX_SHARED / places;
  }

  open(source: RecordSource, askMark?: () => void): void {
    this.#merge.open(source);
    if (askMark !== undefined && this.#follows) this.#askers.set(source, new MarkAsker(askMark, WINDOW_MS));
  }

  async mark(source: RecordSource, { before }: TimeMark): Promise<void> {
    this.#askers.get(source)?.answered();
    this.#merge.mark(source, before);
    this.#isChanged();
  }

  async take(source: RecordSource, record: LineRecord): Promise<void> {
    const time = record.time === undefined ? undefined : milliseconds(record.time);
    this.#merge.push(source, { line: record, time, bytes: record.json.length }, performance.now());
    if (this.#merge.bytes > MAX_WAITING || this.#merge.bytesOf(source) > this.#maxOfOne) {
      this.#print();
      await this.#writing;
      if (this.#merge.bytesOf(source) > this.#maxOfOne)
        await new Promise<void>((resolve) => this.#full.set(source, resolve));
    } else this.#isChanged();
    if (this.#unwritten > MAX_UNWRITTEN) await this.#writing;
  }

  async leave(source: RecordSource): Promise<void> {
    this.#askers.delete(source);
    this.#merge.close(source);
    this.#print();
    await this.#writing;
  }

  async end(): Promise<void> {
    clearTimeout(this.#timer);
    this.#print(Number.POSITIVE_INFINITY);
    await this.#writing;
    await this.#write(this.#printer.end());
  }

  /** Schedules one print for all lines of a chunk. */
  #isChanged(): void {
    if (this.#isDueSoon) return;
    this.#isDueSoon = true;
    setImmediate(() => this.#print());
  }

  /**
   * Requests marks from the places without a line, for which lines of other places wait. Returns
   * the milliseconds until the next request is possible.
   */
  #askMarks(): number {
    // Limits the requests to about 1,000 a second for all places together.
    const pauseMs = Math.max(MARK_PAUSE_MS, this.#askers.size);
    const now = performance.now();
    return Math.min(
      ...[...this.#merge.awaited()].map(
        (place) => this.#askers.get(place)?.ask(now, pauseMs) ?? Number.POSITIVE_INFINITY,
      ),
    );
  }

  /** Prints the lines that are due, and sets a timer for the rest. */
  #print(now = performance.now()): void {
    clearTimeout(this.#timer);
    this.#isDueSoon = false;
    const pieces: Buffer[] = [];
    for (let record = this.#merge.take(now); record !== undefined; record = this.#merge.take(now))
      pieces.push(this.#printer.print(record));
    if (pieces.length > 0) {
      const bytes = Buffer.concat(pieces);
      this.#unwritten += bytes.length;
      this.#writing = this.#writing.then(async () => {
        await this.#write(bytes);
        this.#unwritten -= bytes.length;
      });
    }
    for (const [source, goOn] of this.#full) {
      if (this.#merge.bytesOf(source) > this.#maxOfOne) continue;
      this.#full.delete(source);
      void this.#writing.then(goOn);
    }
    const { due } = this.#merge;
    if (due === undefined || due === Number.POSITIVE_INFINITY) return;
    const askMs = this.#askMarks();
    this.#timer = setTimeout(() => this.#print(), Math.max(1, Math.min(due - performance.now(), askMs)));
  }
}
