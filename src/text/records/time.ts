import { PortholeError } from "../../errors.ts";
import { systemZone, type Zone } from "../../times/zone.ts";
import { instantWith, isZone } from "../../times/zone-text.ts";

const units: Record<string, number> = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 };

/**
 * Parses a time in a human format to milliseconds since 1970: `2026-01-31`, `2026-01-31 14:05`, ISO
 * 8601 with or without zone (default: `zone`, this machine's), `@SECONDS`, `now`, `2 hours ago`.
 * `yesterday` is the same hour of the day before, as in date(1).
 * @throws PortholeError USAGE
 */
export function parseTime(text: string, now: number, zone: Zone = systemZone): number {
  const trimmed = text.trim();
  const epoch = /^@(-?\d+(?:\.\d+)?)$/.exec(trimmed);
  if (epoch !== null) return Number(epoch[1]) * 1000;
  const ago = /^(\d+|an?) ?(second|sec|minute|min|hour|day|week)s? ago$/i.exec(trimmed);
  if (ago !== null) {
    const unit =
      ago[2]?.toLowerCase().replace(/^(sec|min)$/, (short) => `${short}${short === "sec" ? "ond" : "ute"}`) ?? "";
    return now - (Number(ago[1]) || (ago[1] === "0" ? 0 : 1)) * (units[unit] ?? 0) * 1000;
  }
  const word = trimmed.toLowerCase();
  if (word === "now") return now;
  if (word === "today") return now;
  if (word === "yesterday") {
    const day = new Date(now);
    return day.setDate(day.getDate() - 1);
  }
  return calendarTime(trimmed, zone) ?? refuse(text);
}

function calendarTime(text: string, local: Zone): number | undefined {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)? ?(Z|UTC|(?:UTC|GMT)?[+-]\d\d?(?::?\d\d)?|[A-Z]{3,5})?)?$/i.exec(
      text,
    );
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const fraction = Number(`0.${match[7] ?? 0}`) * 1000;
  const isReal =
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= new Date(year, month, 0).getDate() &&
    hour < 24 &&
    minute < 60 &&
    second <= 60;
  if (!isReal) return undefined;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const zone = match[8]?.toUpperCase();
  if (zone !== undefined && !isZone(zone)) return undefined;
  return instantWith(zone, wall, local) + fraction;
}

function refuse(text: string): never {
  throw new PortholeError("USAGE", `invalid time '${text}'`, {
    hint: "use 2026-01-31, '2026-01-31 14:05', @1767225600, 10m, yesterday or '2 hours ago'",
  });
}
