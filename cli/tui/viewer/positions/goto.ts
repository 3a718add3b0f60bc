/** A destination, as typed after `:`. */
export type JumpTarget =
  | { kind: "line"; line: number }
  | { kind: "percent"; percent: number }
  | { kind: "offset"; offset: number }
  | { kind: "end" }
  /** A time, in milliseconds after the time of the top line. */
  | { kind: "later"; milliseconds: number }
  /** A time on the day of the top line. */
  | { kind: "clock"; hours: number; minutes: number; seconds: number }
  | { kind: "time"; text: string };

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Parses a destination: `123` a line, `50%` a fraction, `b4096` and `0x1000` bytes, `$` the end,
 * `+10m` and `-1h` relative times, `14:05` a time of that day, anything else a time. Undefined if
 * empty.
 */
export function parseJumpTarget(text: string): JumpTarget | undefined {
  const typed = text.trim();
  if (typed === "") return undefined;
  if (typed === "$") return { kind: "end" };
  if (/^[\d_,]+$/.test(typed)) return { kind: "line", line: Number(typed.replace(/[_,]/g, "")) };
  const percent = /^(\d+(?:\.\d+)?) ?%$/.exec(typed);
  if (percent) return { kind: "percent", percent: Number(percent[1]) };
  const offset = /^b?(0x[\da-f]+)$|^b([\d_,]+)$/i.exec(typed);
  if (offset) return { kind: "offset", offset: Number(offset[1] ?? offset[2]?.replace(/[_,]/g, "")) };
  const later = /^([+-])(\d+(?:\.\d+)?)([smhd])$/.exec(typed);
  if (later)
    return {
      kind: "later",
      milliseconds: (later[1] === "-" ? -1 : 1) * Number(later[2]) * (UNITS[later[3] ?? ""] ?? 0),
    };
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(typed);
  if (clock)
    return { kind: "clock", hours: Number(clock[1]), minutes: Number(clock[2]), seconds: Number(clock[3] ?? 0) };
  return { kind: "time", text: typed };
}

/** Prefixes of a time. Other words after `:` are names of commands. */
const TIME =
  /^(?:\d|@\d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w* +\d|(?:mon|tue|wed|thu|fri|sat|sun)\w*,? +\S+ +\d|yesterday$)/i;

/**
 * True if {@link parseJumpTarget} accepts the text. For a time, the text must also look like a
 * time.
 */
export function isJumpTarget(text: string): boolean {
  const destination = parseJumpTarget(text);
  return destination !== undefined && (destination.kind !== "time" || TIME.test(text.trim()));
}
