/** What a time without a zone means. */
export interface Zone {
  /** As it is shown: `Europe/Berlin`, `+02:00`, `UTC`. */
  readonly name: string;
  /** Milliseconds east of UTC at an instant, which is in milliseconds since 1970. */
  offsetAt(instant: number): number;
}

const DAY = 86_400_000;
const MINUTE = 60_000;
/** Offsets change at whole quarters of an hour. */
const QUARTER = 15 * MINUTE;
const CACHED = 1024;

export const utc: Zone = { name: "UTC", offsetAt: () => 0 };

/** The zone of this process: `TZ` in its environment, else /etc/localtime. */
export const systemZone: Zone = {
  name: "local",
  offsetAt: (instant) => -new Date(instant).getTimezoneOffset() * MINUTE,
};

/** A zone that is always `offset` milliseconds east of UTC. */
export function fixedZone(offset: number, name = offsetName(offset)): Zone {
  return { name, offsetAt: () => offset };
}

/** A zone of the tz database by its name, as Node's own copy has it. Undefined where it knows no such zone. */
export function namedZone(name: string): Zone | undefined {
  // Numbers, too, are names to newer versions of Node.
  if (!/^[A-Za-z][\w+/-]{1,63}$/.test(name)) return undefined;
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
    return cached({ name, offsetAt: (instant) => longOffset(format.format(instant)) });
  } catch {
    return undefined;
  }
}

/**
 * The instant at which clocks in the zone show `wall`, a time of day as if it were UTC. A clock that is set back shows a time twice: the first
 * instant counts, but the second where `last`, the time of the line before, is past the first. A time that a clock set forward leaves out counts from the
 * offset before.
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
    // Lines of several threads may be a little out of order.
    return last !== undefined && first < last - MINUTE && second >= last - MINUTE ? second : first;
  }
  return isFirst ? first : isSecond ? second : wall - before;
}

/** A zone that remembers what it computed last. */
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

/** Of `1/31/2026, GMT+01:00`. */
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
