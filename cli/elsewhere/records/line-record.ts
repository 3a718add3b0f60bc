import { pathBytes } from "../../../src/target.ts";

/** A record of `tail --json`, as a node sends it. */
export interface LineRecord {
  target: string;
  /** The line without its delimiter. */
  bytes: Buffer;
  /** True if the line has no delimiter yet. */
  isPartial: boolean;
  /** The record's timestamp; undefined if the line has none. */
  time: string | undefined;
  /** The record itself, with its newline. */
  json: Uint8Array;
}

/** Parses a record. Returns undefined if the bytes are not a record. */
export function parseRecord(json: Uint8Array): LineRecord | undefined {
  try {
    const { target, line, time, partial } = JSON.parse(
      Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString(),
    ) as Record<string, unknown>;
    if (typeof target !== "string" || typeof line !== "string" || target.length > MAX_TARGET) return undefined;
    const bytes = pathBytes(line);
    return { target, bytes, isPartial: partial === true, time: isTime(time) ? time : undefined, json };
  } catch {
    return undefined;
  }
}

/** Maximum length of a target: a name and a path of 4,096 bytes. */
const MAX_TARGET = 8192;
/** Maximum number of targets that are remembered: a place may send any names. */
const MAX_TARGETS = 10_000;

/** Sets the value of a target. Removes the oldest target of a full map. */
export function remember<Value>(map: Map<string, Value>, target: string, value: Value): Value {
  if (map.size >= MAX_TARGETS && !map.has(target)) map.delete(map.keys().next().value ?? "");
  map.set(target, value);
  return value;
}

/** A record that reports the time before which a place has sent all lines. */
export interface TimeMark {
  /** Milliseconds since 1970. */
  before: number;
}

/** Parses the record of {@link markRecord}. Returns undefined for any other bytes. */
export function parseMark(json: Uint8Array): TimeMark | undefined {
  const [, before] = /^\{"before":"([^"]+)"\}\n$/.exec(Buffer.from(json.subarray(0, 100)).toString()) ?? [];
  return isTime(before) ? { before: milliseconds(before) } : undefined;
}

function isTime(time: unknown): time is string {
  return typeof time === "string" && Number.isFinite(milliseconds(time));
}

/** Converts an ISO time in UTC with up to nine fractional digits to milliseconds since 1970. */
export function milliseconds(time: string): number {
  const fraction = time.slice(23, -1);
  return Date.parse(`${time.slice(0, 23)}Z`) + (fraction === "" ? 0 : Number(`0.${fraction}`));
}

/**
 * The position of a place when its connection was lost. The next run starts at the earliest of the
 * last times, so it repeats lines. This class drops the repeated lines.
 */
export class Resumption {
  readonly #last = new Map<string, { time: string; count: number }>();
  #hasUntimed = false;
  #repeated: Map<string, { time: string; count: number }> | undefined;

  /**
   * Options of the next run, which replace those that choose where it begins. Undefined if no line
   * has arrived: the next run begins like the first.
   */
  options(): string[] | undefined {
    const times = [...this.#last.values()].map(({ time }) => time);
    this.#repeated = new Map([...this.#last].map(([target, last]) => [target, { ...last }]));
    const earliest = times.sort()[0];
    if (earliest === undefined && !this.#hasUntimed) return undefined;
    if (earliest === undefined || this.#hasUntimed) return ["-n", "0"];
    return ["--since", earliest.slice(0, 23).replace(/Z?$/, "Z")];
  }

  /**
   * False if lines may be lost: the end of a target's lines without timestamps cannot be found
   * again.
   */
  get isComplete(): boolean {
    return !this.#hasUntimed;
  }

  /** True unless the line was printed before the connection was lost. */
  isNew({ target, time }: LineRecord): boolean {
    if (time === undefined) {
      this.#hasUntimed = true;
      return true;
    }
    const seen = this.#repeated?.get(target);
    if (seen !== undefined) {
      if (time < seen.time) return false;
      if (time === seen.time && seen.count-- > 0) return false;
      if (time > seen.time) this.#repeated?.delete(target);
    }
    const last = this.#last.get(target);
    if (last?.time === time) last.count++;
    else if (last === undefined || last.time < time) remember(this.#last, target, { time, count: 1 });
    return true;
  }
}
