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
  const firstLines = await Promise.all(iterators.map((iterator) => iterator.next()));
  /** Binary heap of the sources' next lines. */
  const heads = firstLines.flatMap(({ value, done }, index) => (done ? [] : [{ line: value, index }]));
  for (let at = heads.length >> 1; at-- > 0; ) sink(heads, at);
  for (let [head] = heads; head !== undefined; [head] = heads) {
    yield head.line;
    const { value, done } = await (iterators[head.index] as AsyncIterator<TimedLine<Source>>).next();
    const last = done ? heads.pop() : { line: value, index: head.index };
    if (last !== undefined && heads.length > 0) heads[0] = last;
    sink(heads, 0);
  }
}

interface Head<Source> {
  line: TimedLine<Source>;
  /** The position of its source, which orders lines that are equal otherwise. */
  index: number;
}

/** Moves the entry at `at` down until it sorts before both entries below it. */
function sink<Source>(heads: Head<Source>[], at: number): void {
  for (;;) {
    let first = at;
    for (const below of [2 * at + 1, 2 * at + 2]) if (isFirst(heads[below], heads[first])) first = below;
    if (first === at) return;
    [heads[at], heads[first]] = [heads[first] as Head<Source>, heads[at] as Head<Source>];
    at = first;
  }
}

function isFirst<Source>(a: Head<Source> | undefined, b: Head<Source> | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return isBefore(a.line, b.line) || (!isBefore(b.line, a.line) && a.index < b.index);
}

/** True if a line sorts before another. */
export function isBefore(a: TimedLine<unknown>, b: TimedLine<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.group < b.group);
}
