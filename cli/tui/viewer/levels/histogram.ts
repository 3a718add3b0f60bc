/** Counts of the records of a part of a text. */
export interface Tally {
  /** The part, in offsets of the text. It is empty for a single record. */
  from: number;
  to: number;
  /** Time of the first record in milliseconds since 1970, and the time at which the part ends. */
  time: number | undefined;
  until: number | undefined;
  records: number;
  errors: number;
  warnings: number;
  /** Offset of the first record of the worst level; undefined without errors and warnings. */
  worstAt: number | undefined;
}

/** A column of the histogram. */
export interface Bar {
  records: number;
  errors: number;
  warnings: number;
  /** Offset of the bar's text. */
  from: number;
  /** Target of a jump to this bar: its first record of the worst level. */
  at: number;
}

/**
 * Numbers of records over time. If the times of the lines do not ascend, bars are equal parts of
 * the text.
 */
export interface Histogram {
  bars: readonly Bar[];
  /** The times of both ends, in milliseconds since 1970; undefined for parts of the text. */
  times: { first: number; last: number } | undefined;
}

/**
 * Minimum share of parts that have a time, and maximum share of parts that are earlier than the
 * part before them.
 */
const MIN_TIMED = 0.8;
const MAX_DISORDER = 0.02;

/** Distributes parts of a text over `count` bars. `range`: the offsets of the text. */
export function histogramOf(
  tallies: readonly Tally[],
  count: number,
  range: { start: number; end: number },
): Histogram {
  const times = timesOf(tallies);
  const axis = times
    ? { first: times.first, length: Math.max(1, times.last - times.first) }
    : { first: range.start, length: Math.max(1, range.end - range.start) };
  const bars = Array.from({ length: count }, emptyBar);
  const columnOf = (value: number) =>
    Math.max(0, Math.min(count - 1, Math.floor(((value - axis.first) * count) / axis.length)));
  let last = axis.first;
  for (const tally of tallies) {
    const from = times ? (tally.time ?? last) : tally.from;
    const first = columnOf(from);
    const end = Math.max(first, columnOf((times ? (tally.until ?? from) : tally.to) - 1));
    const length = end - first + 1;
    bars.slice(first, end + 1).forEach((bar, index) => {
      const offset = Math.floor(tally.from + ((tally.to - tally.from) * index) / length);
      addTo(bar, tally, { share: 1 / length, offset, at: index === 0 ? (tally.worstAt ?? offset) : offset });
    });
    last = from;
  }
  return { bars: withOffsets(bars, range), times };
}

/**
 * Adds a share of a part to a bar. `offset`: where the part's text begins in this bar. `at`: the
 * target of a jump to the part.
 */
function addTo(bar: OpenBar, tally: Tally, { share, offset, at }: { share: number; offset: number; at: number }): void {
  if (bar.at === undefined || severityOf(tally) > severityOf(bar)) bar.at = at;
  bar.from ??= offset;
  bar.records += tally.records * share;
  bar.errors += tally.errors * share;
  bar.warnings += tally.warnings * share;
}

/** Returns the column of the text at `offset`. */
export function columnAt({ bars }: Histogram, offset: number): number {
  return Math.max(
    0,
    bars.findLastIndex(({ from }) => from <= offset),
  );
}

interface OpenBar extends Omit<Bar, "from" | "at"> {
  from: number | undefined;
  at: number | undefined;
}

function emptyBar(): OpenBar {
  return { records: 0, errors: 0, warnings: 0, from: undefined, at: undefined };
}

/** Gives an empty bar, such as an hour without records, the offset of the next one. */
function withOffsets(bars: readonly OpenBar[], range: { start: number; end: number }): Bar[] {
  let next = Math.max(range.start, range.end - 1);
  return bars
    .toReversed()
    .map((bar) => {
      next = bar.from ?? next;
      return { ...bar, from: next, at: bar.at ?? next };
    })
    .reverse();
}

function severityOf({ errors, warnings }: { errors: number; warnings: number }): number {
  return errors > 0 ? 2 : warnings > 0 ? 1 : 0;
}

/**
 * Returns the first and the last time; undefined if the times do not ascend, or if most parts have
 * no time.
 */
function timesOf(tallies: readonly Tally[]): { first: number; last: number } | undefined {
  const times = tallies.flatMap(({ time }) => (time === undefined ? [] : [time]));
  if (times.length < 2 || times.length < MIN_TIMED * tallies.length) return undefined;
  const disorder = times.filter((time, index) => time < (times[index - 1] ?? time)).length;
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  return last > first && disorder <= MAX_DISORDER * times.length ? { first, last } : undefined;
}
