import type { Document } from "./document.ts";
import type { Destination } from "./goto.ts";

/** Bytes that are read for it while the screen waits: times that ascend need far fewer. */
const MOST_BYTES = 256 * 1024 * 1024;
const LINE = 512;

type TimeDestination = Extract<Destination, { kind: "later" | "clock" | "time" }>;

/**
 * The offset of the first line of that time or later. `zone`: what times without one mean. `top`: the line that relative times go from.
 * @throws Error that says why it cannot be found, in one line
 */
export async function offsetOfTime(
  document: Document,
  destination: TimeDestination,
  top: number,
  zone: "utc" | "local",
): Promise<number> {
  const { TimestampReader, parseTime, parseTimestamp, sinceOffset } = await import("../../src/tailing.ts");
  const { source } = document;
  const now = Date.now();
  const timestamps = new TimestampReader({ now, zone });
  const wanted = () => {
    if (destination.kind === "time") {
      // As it stands in a line, or as people write it.
      const time = parseTimestamp(destination.text, { now, zone });
      return time ?? parseTime(destination.text, now);
    }
    const here = timeNear(document, top, (line) => timestamps.read(line));
    if (here === undefined) throw new Error("no line near here bears a time that is known");
    if (destination.kind === "later") return here + destination.milliseconds;
    const { hours, minutes, seconds } = destination;
    const day = new Date(here);
    return zone === "utc" ? day.setUTCHours(hours, minutes, seconds, 0) : day.setHours(hours, minutes, seconds, 0);
  };
  let left = MOST_BYTES;
  const begin = source.start();
  const read = (position: number, buffer: Uint8Array): number => {
    left -= buffer.length;
    if (left < 0) throw new Error("the times do not ascend here, and the text is long: search with / instead");
    return source.read(begin + position, buffer);
  };
  const found = sinceOffset(read, source.end() - begin, wanted(), (line) => timestamps.read(line));
  if (found === undefined) throw new Error("no line bears a time that is known");
  return begin + found;
}

/** The time of the line, or of one of the next ones: stack traces have none. */
function timeNear(
  { lines, cache }: Document,
  line: number,
  timeOf: (line: Uint8Array) => number | undefined,
): number | undefined {
  let at: number | undefined = line;
  for (let tries = 0; tries < 200 && at !== undefined; tries++) {
    const time = timeOf(cache.slice(at, at + LINE));
    if (time !== undefined) return time;
    at = lines.next(at);
  }
  return undefined;
}
