/** A time zone. */
export interface Zone {
  /** Display name: `Europe/Berlin`, `+02:00`, `UTC`. */
  readonly name: string;
  /** Milliseconds east of UTC at an instant (milliseconds since 1970). */
  offsetAt(instant: number): number;
}

const DAY = 86_400_000;
const MINUTE = 60_000;
/** Offsets change at quarters of an hour. */
const QUARTER = 15 * MINUTE;
const CACHED = 1024;

export const utc: Zone = { name: "UTC", offsetAt: () => 0 };

/** The zone of this process: `TZ` in its environment, else /etc/localtime. */
export const systemZone: Zone = {
  name: "local",
  offsetAt: (instant) => -new Date(instant).getTimezoneOffset() * MINUTE,
};

/** A zone with a constant offset, in milliseconds east of UTC. */
export function fixedZone(offset: number, name = offsetName(offset)): Zone {
  return { name, offsetAt: () => offset };
}

/** A zone of Node's tz database; undefined if the name is unknown. */
export function namedZone(name: string): Zone | undefined {
  // Newer versions of Node also accept numbers as names.
  if (!/^[A-Za-z][\w+/-]{1,63}$/.test(name)) return undefined;
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
    return cached({ name, offsetAt: (instant) => longOffset(format.format(instant)) });
  } catch {
    return undefined;
  }
}

/**
 * The instant at which clocks in the zone show `wall` (a time as if it were UTC). When a clock is
 * set back, a time occurs twice: returns the first instant, unless `last`, the previous line's
 * time, is later; then the second. A time that does not exist uses the offset before the change.
 */
export function instantOf(zone: Zone, wall: number, last?: number): number {
  const before = zone.offsetAt(wall - DAY);
  const after = zone.offsetAt(wall + DAY);
  if (before === after) return wall - before;
  const first = wall - Math.max(before, after);
  const second = wall - Math.min(before, after);
  const isFirst = first + zone.offsetAt(first) === wall;
  const isSecond = second + zone.offsetAt(second) === wall;
  if (isFirst && isSecond) {
    // Lines of several threads may be slightly out of order.
    return last !== undefined && first < last - MINUTE && second >= last - MINUTE ? second : first;
  }
  return isFirst ? first : isSecond ? second : wall - before;
}

/** A zone that caches offsets. */
export function cached(zone: Zone): Zone {
  const offsets = new Map<number, number>();
  return {
    name: zone.name,
    offsetAt(instant) {
      const quarter = Math.floor(instant / QUARTER);
      const known = offsets.get(quarter);
      if (known !== undefined) return known;
      if (offsets.size >= CACHED) offsets.clear();
      const offset = zone.offsetAt(quarter * QUARTER);
      offsets.set(quarter, offset);
      return offset;
    },
  };
}

/** Parses `1/31/2026, GMT+01:00`. */
function longOffset(text: string): number {
  const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text);
  if (!match) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return (match[1] === "-" ? -1000 : 1000) * seconds;
}

function offsetName(offset: number): string {
  const minutes = Math.abs(offset) / MINUTE;
  const two = (number: number) => String(Math.floor(number)).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
