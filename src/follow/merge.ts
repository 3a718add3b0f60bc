/** A line with its sort key. */
export interface TimedLine<Source> {
  source: Source;
  bytes: Uint8Array;
  /** Milliseconds since 1970: the line's own time, or that of the line to which it belongs. */
  time: number;
  /**
   * Orders lines of equal time, lower first. A continuation line has the number of its first line.
   */
  group: number;
}

/**
 * Assigns sort keys to the lines of one source. A line without a time belongs to the line before
 * it. No line sorts before an earlier line of its source.
 */
export class LineClock<Source> {
  static #groups = 0;
  readonly #source: Source;
  readonly #timeOf: (line: Uint8Array) => number | undefined;
  #time = Number.NEGATIVE_INFINITY;
  #group = 0;
  /** True if the current group started with a timestamped line. */
  #timed = false;

  constructor(source: Source, timeOf: (line: Uint8Array) => number | undefined) {
    this.#source = source;
    this.#timeOf = timeOf;
  }

  /** @param arrived time of a line if neither it nor an earlier one has a time */
  stamp(bytes: Uint8Array, arrived = Number.NEGATIVE_INFINITY): TimedLine<Source> {
    const own = this.#timeOf(bytes);
    if (own !== undefined) this.#begin(Math.max(own, this.#time), true);
    else if (!this.#timed) this.#begin(arrived, false);
    return { source: this.#source, bytes, time: this.#time, group: this.#group };
  }

  #begin(time: number, timed: boolean): void {
    this.#time = time;
    this.#timed = timed;
    this.#group = ++LineClock.#groups;
  }
}

/** Merges sorted sources into one. Holds one line of each source. */
export async function* mergeLines<Source>(
  sources: readonly AsyncIterable<TimedLine<Source>>[],
): AsyncGenerator<TimedLine<Source>> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
  for (;;) {
    let first = -1;
    heads.forEach((head, index) => {
      const best = heads[first];
      if (!head.done && (best === undefined || best.done || before(head.value, best.value))) first = index;
    });
    const head = heads[first];
    if (head === undefined || head.done) return;
    yield head.value;
    heads[first] = await (iterators[first] as AsyncIterator<TimedLine<Source>>).next();
  }
}

/**
 * Sorts lines that arrive roughly in order. Holds each line for `windowMs`, because an earlier line
 * of another source may arrive.
 */
export class ReorderWindow<Source> {
  readonly #windowMs: number;
  /** Sorted. */
  readonly #lines: { line: TimedLine<Source>; due: number }[] = [];
  #bytes = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Number of bytes of the held lines. */
  get bytes(): number {
    return this.#bytes;
  }

  push(line: TimedLine<Source>, now: number): void {
    let at = this.#lines.length;
    while (at > 0 && before(line, (this.#lines[at - 1] as { line: TimedLine<Source> }).line)) at--;
    this.#lines.splice(at, 0, { line, due: now + this.#windowMs });
    this.#bytes += line.bytes.length;
  }

  /**
   * Returns the lines that are due, in order: lines that were held long enough, and all lines that
   * sort before them.
   */
  take(now: number): TimedLine<Source>[] {
    const last = this.#lines.findLastIndex(({ due }) => due <= now);
    const taken = this.#lines.splice(0, last + 1).map(({ line }) => line);
    for (const { bytes } of taken) this.#bytes -= bytes.length;
    return taken;
  }

  /**
   * The time at which {@link take} returns lines next, on the clock of `now`; undefined if no lines
   * are held.
   */
  get due(): number | undefined {
    return this.#lines.length === 0 ? undefined : Math.min(...this.#lines.slice(0, 1000).map(({ due }) => due));
  }
}

function before(a: TimedLine<unknown>, b: TimedLine<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.group < b.group);
}
