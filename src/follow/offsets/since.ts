import type { ReadAt } from "./fingerprint.ts";

const BLOCK = 64 * 1024;
/** Maximum bytes of a line that are examined: its timestamp may be at its end. */
const LONG = 1024 * 1024;
/** Maximum size of a file that is scanned. In a larger file, the order is probed first. */
const SMALL = 4 * 1024 * 1024;
/** Number of probes of a large file's order. */
const PROBES = 32;

/**
 * Finds the offset of the first line at or after `since` in the first `size` bytes. Returns `size`
 * if all lines are earlier, and undefined if no line has a timestamp. Uses binary search in a large
 * file whose times ascend at 32 probes. Scans any other file from the start.
 */
export function sinceOffset(
  read: ReadAt,
  size: number,
  since: number,
  timeOf: (line: Uint8Array) => number | undefined,
  delimiter = 10,
): number | undefined {
  const steps = sinceSteps(read, size, since, timeOf, delimiter);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** {@link sinceOffset} in steps: yields after each block of 64 KiB. */
export function* sinceSteps(
  read: ReadAt,
  size: number,
  since: number,
  timeOf: (line: Uint8Array) => number | undefined,
  delimiter = 10,
): Generator<void, number | undefined> {
  const lines = new TimedOffsets(read, size, timeOf, delimiter);
  if (size <= SMALL || !(yield* isSorted(lines, size))) return yield* lines.scan(0, (time) => time >= since);
  let low = 0;
  let high = size;
  while (high - low > BLOCK) {
    const middle = Math.floor((low + high) / 2);
    const found = yield* lines.after(middle, high);
    if (found !== undefined && found.time < since) low = found.offset;
    else high = middle;
  }
  return yield* lines.scan(low, (time) => time >= since);
}

/** Scans from each probe to the next at most, so that text without timestamps is read once. */
function* isSorted(lines: TimedOffsets, size: number): Generator<void, boolean> {
  let latest = Number.NEGATIVE_INFINITY;
  const offsetOf = (probe: number) => Math.floor((size / PROBES) * probe);
  for (let probe = 0; probe < PROBES; probe++) {
    const found = yield* lines.after(offsetOf(probe), offsetOf(probe + 1));
    if (found === undefined) continue;
    if (found.time < latest) return false;
    latest = found.time;
  }
  return latest !== Number.NEGATIVE_INFINITY;
}

/** Finds lines with timestamps. */
class TimedOffsets {
  readonly #read: ReadAt;
  readonly #size: number;
  readonly #timeOf: (line: Uint8Array) => number | undefined;
  readonly #delimiter: number;

  constructor(read: ReadAt, size: number, timeOf: (line: Uint8Array) => number | undefined, delimiter: number) {
    this.#read = read;
    this.#size = size;
    this.#timeOf = timeOf;
    this.#delimiter = delimiter;
  }

  /** Finds the first timestamped line that starts at `from` or later and before `end`. */
  *after(from: number, end: number): Generator<void, { offset: number; time: number } | undefined> {
    let found: { offset: number; time: number } | undefined;
    const start = from === 0 ? 0 : yield* this.#lineStart(from, end);
    yield* this.#each(start, end, (offset, line) => {
      if (offset >= end) return true;
      const time = this.#timeOf(line);
      if (time !== undefined) found = { offset, time };
      return time !== undefined;
    });
    return found;
  }

  /**
   * Finds the first line from `start` whose time is `wanted`. Returns its offset; the size if there
   * is no such line, undefined if no line has a timestamp.
   */
  *scan(start: number, wanted: (time: number) => boolean): Generator<void, number | undefined> {
    let result: number | undefined;
    let timed = start > 0;
    yield* this.#each(start, this.#size, (offset, line) => {
      const time = this.#timeOf(line);
      if (time === undefined) return false;
      timed = true;
      if (wanted(time)) result = offset;
      return result !== undefined;
    });
    return result ?? (timed ? this.#size : undefined);
  }

  /**
   * Offset of the first line that starts at `offset` or later; `end` or more if there is none
   * before `end`.
   */
  *#lineStart(offset: number, end: number): Generator<void, number> {
    const buffer = Buffer.allocUnsafe(BLOCK);
    for (let at = offset - 1; at < end; ) {
      const length = this.#read(at, buffer.subarray(0, Math.min(BLOCK, this.#size - at)));
      if (length === 0) break;
      const found = buffer.subarray(0, length).indexOf(this.#delimiter);
      if (found !== -1) return at + found + 1;
      at += length;
      yield;
    }
    return end;
  }

  /**
   * Calls back for each line that starts between `start` and `end`, with at most its first MiB,
   * until it returns true.
   */
  *#each(start: number, end: number, callback: (offset: number, line: Uint8Array) => boolean): Generator<void, void> {
    let buffer = Buffer.allocUnsafe(BLOCK);
    for (let at = start; at < end; ) {
      const length = this.#read(at, buffer.subarray(0, Math.min(buffer.length, this.#size - at)));
      if (length === 0) return;
      const block = buffer.subarray(0, length);
      let from = 0;
      for (let last = block.indexOf(this.#delimiter); last !== -1; last = block.indexOf(this.#delimiter, from)) {
        if (callback(at + from, block.subarray(from, last + 1))) return;
        from = last + 1;
      }
      yield;
      if (from > 0 && at + length < this.#size) {
        at += from; // reads the block's last line again, completely
        continue;
      }
      if (from === 0 && this.#delimiter !== 0 && isZeros(block)) {
        // Zeros left by a crash, or a hole: the line starts after them.
        at += length;
        continue;
      }
      if (from === 0 && length === buffer.length && length < LONG) {
        buffer = Buffer.allocUnsafe(4 * length);
        continue;
      }
      if (from < length && callback(at + from, block.subarray(from))) return;
      at = at + length < this.#size ? yield* this.#lineStart(at + length + 1, end) : this.#size;
    }
  }
}

function isZeros(bytes: Uint8Array): boolean {
  let at = 0;
  while (bytes[at] === 0) at++;
  return at === bytes.length;
}
