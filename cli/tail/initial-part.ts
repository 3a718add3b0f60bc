import {
  firstLinesOffset,
  LineSplitter,
  lastLinesOffset,
  readerOf,
  StreamEnd,
  StreamStart,
  sinceOffset,
} from "../../src/follow/index.ts";
import { type Input, pieces, seekableSize } from "./input.ts";
import type { TailOptions } from "./options.ts";

/** The start time, and how to read the timestamp of a line. */
export interface Since {
  /** Milliseconds since 1970. */
  time: number;
  timeOf: (line: Uint8Array) => number | undefined;
  /** Called if no line has a timestamp: then `--since` has no effect on the file. */
  none: () => void;
}

/**
 * Yields the part of a file that tail prints first, in chunks. With `size` it ends at that offset,
 * because the follow reads the rest. Without `size` it ends at the end of the file.
 * @param begins receives the offset of the part before its first chunk
 */
export async function* initialPart(
  input: Input,
  options: Pick<TailOptions, "amount" | "hasAmount" | "delimiter">,
  since: Since | undefined,
  size?: number,
  begins?: (from: number) => void,
): AsyncGenerator<Buffer> {
  const { file, start } = input;
  const end = size ?? seekableSize(input);
  if (file?.isSeekable && end !== undefined) {
    const read = (position: number, buffer: Uint8Array) => file.read(buffer, position);
    const from = Math.max(start, offsetOf(read, end, options, since, start));
    begins?.(from);
    if (from < end || size === undefined) yield* pieces(input, from, size);
    return;
  }
  if (since !== undefined) {
    // Searches the time from the beginning. If no line has a timestamp, yields the whole input.
    const lines: Uint8Array[] = [];
    for await (const line of linesSince(pieces(input), since, options.delimiter)) lines.push(line);
    const all = Buffer.concat(lines);
    yield all.subarray(options.hasAmount ? offsetOf(readerOf(all), all.length, options, undefined, 0) : 0);
    return;
  }
  const { unit, count, sign } = options.amount;
  const by = unit === "lines" ? options.delimiter : undefined;
  if (sign === "+") {
    const skipped = new StreamStart(Math.max(0, count - 1), by);
    for await (const piece of pieces(input)) {
      const { rest } = skipped.push(piece);
      if (rest.length > 0) yield rest;
    }
    return;
  }
  const kept = new StreamEnd(count, by);
  for await (const piece of pieces(input)) kept.push(piece);
  yield kept.finish().end;
}

function offsetOf(
  read: (position: number, buffer: Uint8Array) => number,
  size: number,
  { amount, hasAmount, delimiter }: Pick<TailOptions, "amount" | "hasAmount" | "delimiter">,
  since: Since | undefined,
  start: number,
): number {
  const fromTime = since && sinceOffset(read, size, since.time, since.timeOf, delimiter);
  if (since && fromTime === undefined) since.none();
  if (fromTime !== undefined && !hasAmount) return fromTime;
  const { unit, count, sign } = amount;
  const behind = (position: number, buffer: Uint8Array) => read(start + position, buffer);
  const length = Math.max(0, size - start);
  let from: number;
  if (unit === "bytes") from = sign === "+" ? Math.min(length, Math.max(0, count - 1)) : Math.max(0, length - count);
  else if (sign === "+") from = firstLinesOffset(behind, length, Math.max(0, count - 1), delimiter);
  else from = lastLinesOffset(behind, length, count, delimiter);
  return Math.max(start + from, fromTime ?? 0);
}

/**
 * Yields the lines from the first one at or after the time. If no line has a timestamp, yields all
 * lines.
 */
async function* linesSince(source: AsyncIterable<Buffer>, since: Since, delimiter: number): AsyncGenerator<Uint8Array> {
  const splitter = new LineSplitter(delimiter);
  let untimed: Uint8Array[] | undefined = [];
  let begun = false;
  const take = (line: Uint8Array): Uint8Array[] => {
    if (begun) return [line];
    const time = since.timeOf(line);
    if (time === undefined) {
      untimed?.push(line);
      return [];
    }
    untimed = undefined;
    begun = time >= since.time;
    return begun ? [line] : [];
  };
  for await (const piece of source) for (const line of splitter.push(piece)) yield* take(line);
  const last = splitter.end();
  if (last.length > 0) yield* take(last);
  if (untimed === undefined || untimed.length === 0) return;
  since.none();
  yield* untimed;
}
