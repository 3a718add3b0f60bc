import { isBefore, type TimedLine } from "./merge.ts";

/** Limits of a {@link ReorderWindow}, in milliseconds. */
export interface WindowLimits {
  /** Minimum time that a line is held, because two writers may write at the same time. */
  minMs: number;
  /** Time after which a line no longer waits for other files. */
  maxMs: number;
}

interface WaitingLine<Source> {
  line: TimedLine<Source>;
  arrived: number;
  due: number;
}

/**
 * Sorts lines that arrive roughly in order. Holds a line while an earlier line of another source
 * may be unread: until every other source has been read up to the line's arrival. Lines that arrive
 * too late lengthen the time that later lines are held.
 */
export class ReorderWindow<Source> {
  readonly #limits: WindowLimits;
  /** The lines of each source, sorted as they arrive. */
  readonly #queues = new Map<Source, WaitingLine<Source>[]>();
  /** The last line in order that {@link take} returned. */
  #taken: WaitingLine<Source> | undefined;
  #holdMs: number;
  #bytes = 0;

  constructor(limits: WindowLimits) {
    this.#limits = limits;
    this.#holdMs = limits.minMs;
  }

  /** Number of bytes of the held lines. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param holdMs minimum time that the line is held; default: as long as late lines require */
  push(line: TimedLine<Source>, now: number, holdMs = this.#holdMs): void {
    this.#learn(line, now);
    const held = { line, arrived: now, due: now + Math.min(holdMs, this.#limits.maxMs) };
    const queue = this.#queues.get(line.source);
    if (queue === undefined) this.#queues.set(line.source, [held]);
    else queue.push(held);
    this.#bytes += line.bytes.length;
  }

  /**
   * Returns the lines that are due, in order: lines that were held long enough, and all lines that
   * sort before them.
   * @param readUntil the time up to which all other sources than this one were read
   */
  take(now: number, readUntil: (source: Source) => number = () => now): TimedLine<Source>[] {
    const isDue = ({ line, arrived, due }: WaitingLine<Source>) =>
      (due <= now && arrived <= readUntil(line.source)) || arrived + this.#limits.maxMs <= now;
    let last: WaitingLine<Source> | undefined;
    for (const queue of this.#queues.values())
      for (const held of queue) {
        if (!isDue(held)) break;
        if (last === undefined || isBefore(last.line, held.line)) last = held;
      }
    if (last === undefined) return [];
    const taken = [...this.#queues.keys()].flatMap((source) => this.#takeUpTo(last, source));
    taken.sort((a, b) => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0));
    for (const { bytes } of taken) this.#bytes -= bytes.length;
    if (this.#taken === undefined || isBefore(this.#taken.line, last.line)) this.#taken = last;
    return taken;
  }

  /**
   * The earliest time at which {@link take} can return lines, on the clock of `now`. Undefined if
   * no lines are held.
   */
  get due(): number | undefined {
    let due: number | undefined;
    for (const [first] of this.#queues.values())
      if (first !== undefined && (due === undefined || first.due < due)) due = first.due;
    return due;
  }

  /** Takes the lines of a source that do not sort after `last`. */
  #takeUpTo(last: WaitingLine<Source>, source: Source): TimedLine<Source>[] {
    const queue = this.#queues.get(source) ?? [];
    const end = queue.findIndex(({ line }) => isBefore(last.line, line));
    if (end === -1) this.#queues.delete(source);
    return queue.splice(0, end === -1 ? queue.length : end).map(({ line }) => line);
  }

  /**
   * Adapts the time for which lines are held. A line is late if {@link take} has recently returned
   * a later one. Ignores times without milliseconds, because their order within a second is
   * unknown.
   */
  #learn(line: TimedLine<Source>, now: number): void {
    const { minMs, maxMs } = this.#limits;
    const taken = this.#taken;
    const isLate =
      taken !== undefined &&
      isBefore(line, taken.line) &&
      taken.line.time - line.time <= maxMs &&
      now - taken.arrived <= maxMs &&
      line.time % 1000 !== 0;
    if (isLate) this.#holdMs += Math.max(0, now - taken.arrived - this.#holdMs) / 8;
    else this.#holdMs = Math.max(minMs, this.#holdMs * (1 - 1 / 1024));
  }
}
