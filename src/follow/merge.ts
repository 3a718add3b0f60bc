/** A line with what orders it among those of other sources. */
export interface TimedLine<Source> {
  source: Source;
  bytes: Uint8Array;
  /** Milliseconds since 1970: the line's own time, or that of the line which it stays with. */
  time: number;
  /** Of lines of one time those with the lower number come first; a line that stays with another has its number. */
  group: number;
}

/** Gives the lines of one source their places: a line without a time stays with the line before, and no line comes before an earlier one of its source. */
export class LineClock<Source> {
  static #groups = 0;
  readonly #source: Source;
  readonly #timeOf: (line: Uint8Array) => number | undefined;
  #time = Number.NEGATIVE_INFINITY;
  #group = 0;
  /** True when the last group began with a line that bears a time. */
  #timed = false;

  constructor(source: Source, timeOf: (line: Uint8Array) => number | undefined) {
    this.#source = source;
    this.#timeOf = timeOf;
  }

  /** `arrived`: the time of a line when neither it nor one before it bears one. */
  place(bytes: Uint8Array, arrived = Number.NEGATIVE_INFINITY): TimedLine<Source> {
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

/** Merges sources that are each in order into one that is. Holds one line of each. */
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
 * Puts lines that arrive roughly in order into order: each waits for `windowMs` after its arrival, in case an earlier one of another source comes.
 */
export class ReorderWindow<Source> {
  readonly #windowMs: number;
  /** In order. */
  readonly #lines: { line: TimedLine<Source>; due: number }[] = [];
  #bytes = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  push(line: TimedLine<Source>, now: number): void {
    let at = this.#lines.length;
    while (at > 0 && before(line, (this.#lines[at - 1] as { line: TimedLine<Source> }).line)) at--;
    this.#lines.splice(at, 0, { line, due: now + this.#windowMs });
    this.#bytes += line.bytes.length;
  }

  /** The lines whose turn has come, in order: those that have waited long enough, and all that belong before them. */
  take(now: number): TimedLine<Source>[] {
    const last = this.#lines.findLastIndex(({ due }) => due <= now);
    const taken = this.#lines.splice(0, last + 1).map(({ line }) => line);
    for (const { bytes } of taken) this.#bytes -= bytes.length;
    return taken;
  }

  /** When {@link take} will have something, on the clock of `now`; undefined while nothing waits. */
  get due(): number | undefined {
    return this.#lines.length === 0 ? undefined : Math.min(...this.#lines.slice(0, 1000).map(({ due }) => due));
  }
}

function before(a: TimedLine<unknown>, b: TimedLine<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.group < b.group);
}
