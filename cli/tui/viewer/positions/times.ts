import type { Zone } from "../../../../src/times/index.ts";
import type { Document } from "../document/document.ts";
import type { JumpTarget } from "./goto.ts";

/** Milliseconds of reading before keys and frames are handled. */
const SLICE_MS = 4;
/** Maximum bytes of a line that are searched for a time. */
const LINE = 64 * 1024;

export type JumpTime = Extract<JumpTarget, { kind: "later" | "clock" | "time" }>;

/**
 * Finds the offset of the first line at or after a time. Returns undefined if `goesOn` returned
 * false meanwhile. If the times are not ascending, it may read the whole text. `zoneOf`: zone of
 * times without a zone. `top`: the line that relative times start from.
 * @throws Error with the reason in one line if there is no such line
 */
export async function offsetOfTime(
  document: Document,
  destination: JumpTime,
  top: number,
  zoneOf: (() => Promise<Zone>) | undefined,
  goesOn: () => boolean,
): Promise<number | undefined> {
  const { TimestampReader, parseTime, parseTimestamp } = await import("../../../../src/text/index.ts");
  const { sinceSteps } = await import("../../../../src/follow/index.ts");
  const { instantOf, utc } = await import("../../../../src/times/index.ts");
  const zone = (await zoneOf?.()) ?? utc;
  const { source } = document;
  const now = Date.now();
  const timestamps = new TimestampReader({ now, zone });
  const wanted = () => {
    if (destination.kind === "time") {
      // Accepts the formats of log lines, and formats that people type.
      const time = parseTimestamp(destination.text, { now, zone });
      return time ?? parseTime(destination.text, now, zone);
    }
    const here = timeNear(document, top, (line) => timestamps.read(line));
    if (here === undefined) throw new Error("no recognised timestamp near this line");
    if (destination.kind === "later") return here + destination.milliseconds;
    const { hours, minutes, seconds } = destination;
    const day = new Date(here + zone.offsetAt(here));
    return instantOf(zone, day.setUTCHours(hours, minutes, seconds, 0));
  };
  const begin = source.start();
  const read = (position: number, buffer: Uint8Array): number => source.read(begin + position, buffer);
  const steps = sinceSteps(read, source.end() - begin, wanted(), (line) => timestamps.read(line));
  while (goesOn()) {
    const slice = stepsWithin(steps, SLICE_MS);
    if (slice.done && slice.value === undefined) throw new Error("no recognised timestamp");
    if (slice.done && slice.value !== undefined) return begin + slice.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return undefined;
}

function stepsWithin<T>(steps: Generator<void, T>, milliseconds: number): IteratorResult<void, T> {
  const until = performance.now() + milliseconds;
  for (;;) {
    const step = steps.next();
    if (step.done || performance.now() >= until) return step;
  }
}

/** Returns the time of a line, or of one of the next lines: lines of a stack trace have no time. */
function timeNear(
  { lines, cache }: Document,
  line: number,
  timeOf: (line: Uint8Array) => number | undefined,
): number | undefined {
  let at: number | undefined = line;
  for (let tries = 0; tries < 200 && at !== undefined; tries++) {
    const next = lines.next(at);
    const time = timeOf(cache.slice(at, Math.min(at + LINE, next ?? Number.POSITIVE_INFINITY)));
    if (time !== undefined) return time;
    at = next;
  }
  return undefined;
}
