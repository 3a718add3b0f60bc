import { cached, fixedZone, type Zone } from "./zone.ts";

const SECOND = 1000;
const DAY = 86_400_000;

const NAME = "(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)";
const TIME = "[+-]?\\d{1,3}(?::\\d\\d(?::\\d\\d)?)?";
const RULE = "(?:J\\d{1,3}|\\d{1,3}|M\\d{1,2}\\.[1-5]\\.[0-6])";
const ZONE = new RegExp(
  `^${NAME}(${TIME})(?:${NAME}(${TIME})?(?:,(${RULE})(?:/(${TIME}))?,(${RULE})(?:/(${TIME}))?)?)?$`,
);
const WITH_SUMMER = new RegExp(`^${NAME}${TIME}${NAME}`);

/**
 * A zone in POSIX form, as in `TZ` (tzset(3)): `CET-1CEST,M3.5.0,M10.5.0/3`, `<+03>-3`. Offsets
 * count west of Greenwich. Undefined for other text.
 */
export function posixZone(text: string): Zone | undefined {
  const match = ZONE.exec(text);
  if (!match) return undefined;
  const [, standardText = "", summerText, startRule = "M3.2.0", startTime, endRule = "M11.1.0", endTime] = match;
  const standard = 0 - duration(standardText);
  if (!WITH_SUMMER.test(text)) return fixedZone(standard, text);
  const summer = summerText === undefined ? standard + 3600 * SECOND : 0 - duration(summerText);
  const startOf = (year: number) => dayOf(startRule, year) + duration(startTime ?? "2") - standard;
  const endOf = (year: number) => dayOf(endRule, year) + duration(endTime ?? "2") - summer;
  return cached({
    name: text,
    offsetAt(instant) {
      const year = new Date(instant + standard).getUTCFullYear();
      const [start, end] = [startOf(year), endOf(year)];
      const isSummer = start < end ? instant >= start && instant < end : instant >= start || instant < end;
      return isSummer ? summer : standard;
    },
  });
}

/** Milliseconds of `[+-]hh[:mm[:ss]]`. */
function duration(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, "").split(":").map(Number);
  return (text.startsWith("-") ? -SECOND : SECOND) * (hours * 3600 + minutes * 60 + seconds);
}

/** Returns midnight of the day of a rule, as if it were UTC. */
function dayOf(rule: string, year: number): number {
  const newYear = Date.UTC(year, 0, 1);
  const isLeap = Date.UTC(year, 1, 29) !== Date.UTC(year, 2, 1);
  if (rule.startsWith("J")) {
    // Days 1 to 365: 29 February is not counted.
    const day = Number(rule.slice(1));
    return newYear + (day - 1 + (isLeap && day > 59 ? 1 : 0)) * DAY;
  }
  if (!rule.startsWith("M")) return newYear + Number(rule) * DAY;
  const [month = 1, week = 1, weekday = 0] = rule.slice(1).split(".").map(Number);
  const first = Date.UTC(year, month - 1, 1);
  const to = (weekday - new Date(first).getUTCDay() + 7) % 7;
  const day = first + (to + (week - 1) * 7) * DAY;
  // Week 5 means the last week of the month.
  return new Date(day).getUTCMonth() === month - 1 ? day : day - 7 * DAY;
}
