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
      if (!head.done && (best === undefined || best.done || isBefore(head.value, best.value))) first = index;
    });
    const head = heads[first];
    if (head === undefined || head.done) return;
    yield head.value;
    heads[first] = await (iterators[first] as AsyncIterator<TimedLine<Source>>).next();
  }
}

/** True if a line sorts before another. */
export function isBefore(a: TimedLine<unknown>, b: TimedLine<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.group < b.group);
}
