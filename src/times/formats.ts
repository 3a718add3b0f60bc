import type { Zone } from "./zone.ts";
import { instantWith } from "./zone-text.ts";

/** Settings for timestamps without a year or a zone. */
export interface TimestampOptions {
  /**
   * Milliseconds since 1970. A format without a year means the latest year that is not in the
   * future, with a day's tolerance.
   */
  now: number;
  /** Zone of timestamps without a zone. */
  zone: Zone;
}

/** State while the lines of one file are parsed. */
export interface FormatContext extends TimestampOptions {
  /** The previous line's time. */
  last?: number | undefined;
  /** True after a line with a day above 12 in the first field: 31/01/2026. */
  dayFirst?: boolean | undefined;
}

/** A timestamp format. */
export interface Format {
  pattern: RegExp;
  time(match: RegExpExecArray, context: FormatContext): number | undefined;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}";
const WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?";
const FRACTION = "(?:(?:[.,]|:(?=\\d{3}(?!\\d)))(\\d{1,9})\\d*)?";
const HALF = "(?:(?:\\s|\\xe2\\x80\\xaf)?([AP])\\.?M\\b\\.?)?";
const CLOCK = `(\\d\\d?):(\\d\\d):(\\d\\d)${FRACTION}${HALF}`;
const OFFSET = "(?:UTC|GMT)[+-]\\d\\d?(?::?\\d\\d)?|[+-]\\d\\d(?::?\\d\\d)?|[A-Z]{1,5}";
const ZONE = `(?: ?(${OFFSET})(?![0-9A-Za-z]|:\\d))?`;
const ZONE_OR_NAME = `(?: ?([A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?|${OFFSET})(?![0-9A-Za-z]|:\\d))?`;
/** Matches the text between date and time. */
const BETWEEN = "(?:[T_-]|,? {1,2})";
/** Matches the start of a line, possibly after the name that Compose and `--prefix` write. */
const BEGIN = "^(?:[\\w.:/-]{1,64} +\\| )?";

type Field = "year" | "month" | "day" | "hour" | "minute" | "second" | "fraction" | "half" | "zone" | "_";
type Fields = { [name in Field]?: string | undefined };

const CLOCK_FIELDS = ["hour", "minute", "second", "fraction", "half"] as const;

/** Formats with a time of day. */
export const clockFormats: readonly Format[] = [
  // ISO 8601, RFC 3339 and variants: comma of Java and Python, slashes of Go and nginx, dots of
  // ClickHouse.
  calendar(
    `(?<!\\d)(\\d{4})([-/.])(\\d\\d?)\\2(\\d\\d?)${BETWEEN}(\\d\\d?):(\\d\\d)(?::(\\d\\d)${FRACTION})?${HALF}${ZONE}`,
    ["year", "_", "month", "day", ...CLOCK_FIELDS, "zone"],
  ),
  // Basic form of ISO 8601: 20260131T140506Z
  calendar(`(?<!\\d)(\\d{4})(\\d\\d)(\\d\\d)T(\\d\\d)(\\d\\d)(\\d\\d)(?:[.,](\\d{1,9})\\d*)?${ZONE}`, [
    ...["year", "month", "day", "hour", "minute", "second", "fraction", "zone"],
  ] as Field[]),
  // glog since 0.7, Hadoop: 20260131 14:05:06
  calendar(`(?<!\\d)(\\d{4})(\\d\\d)(\\d\\d)[T _-]${CLOCK}${ZONE}`, ["year", "month", "day", ...CLOCK_FIELDS, "zone"]),
];

/** Formats with a time of day and a numeric date in another order, or without a year. */
export const numberFormats: readonly Format[] = [
  {
    // Windows: 1/31/2026 2:05:06 PM; 31.01.2026 14:05:06
    pattern: new RegExp(`(?<![\\d/.-])(\\d\\d?)([/.-])(\\d\\d?)\\2(\\d{4})${BETWEEN}${CLOCK}${ZONE}`, "i"),
    time: (match, context) => {
      const [, first = "", separator, second = "", year] = match;
      if (separator === "/" && Number(first) > 12) context.dayFirst = true;
      const [day, month] = separator !== "/" || context.dayFirst ? [first, second] : [second, first];
      return instant({ ...fieldsOf(match, 5, [...CLOCK_FIELDS, "zone"]), year, month, day }, context);
    },
  },
  {
    // Spark: 26/01/31 14:05:06; WebSphere: 1/31/26 14:05:06:123 CET
    pattern: new RegExp(`(?<![\\d/])(\\d\\d?)/(\\d\\d?)/(\\d\\d) ${CLOCK}${ZONE}`, "i"),
    time: (match, context) => {
      const [, a = "", b = "", c = ""] = match;
      const rest = fieldsOf(match, 4, [...CLOCK_FIELDS, "zone"]);
      const times = [
        { year: `20${a}`, month: b, day: c },
        { year: `20${c}`, month: a, day: b },
        { year: `20${c}`, month: b, day: a },
      ].flatMap((date) => (date.year.length === 4 ? (instant({ ...rest, ...date }, context) ?? []) : []));
      const past = times.filter((time) => time <= context.now + DAY);
      return past.length > 0 ? Math.max(...past) : times[0];
    },
  },
  // MySQL 5: 260131 14:05:06
  calendar(`${BEGIN}(\\d\\d)(\\d\\d)(\\d\\d) {1,2}${CLOCK}`, ["year", "month", "day", ...CLOCK_FIELDS]),
  // klog, glog: I0131 14:05:06.123456
  calendar(`${BEGIN}[IWEF](\\d\\d)(\\d\\d) ${CLOCK}`, ["month", "day", ...CLOCK_FIELDS]),
  // Android: 01-31 14:05:06.123
  calendar(`${BEGIN}(\\d\\d)-(\\d\\d) ${CLOCK}`, ["month", "day", ...CLOCK_FIELDS]),
];

/** Formats with a time of day and the name of a month. */
export const monthFormats: readonly Format[] = [
  // Access logs: 31/Jan/2026:14:05:06 +0000; Tomcat: 31-Jan-2026 14:05:06.123; PHP-FPM; Redis;
  // HTTP; date(1): 31 Jan 2026 02:05:06 PM CET
  calendar(`(?<!\\d)(\\d\\d?)([-/ .])${MONTH}\\2(\\d{4})(?:::?|[T_]|,? {1,2})${CLOCK}${ZONE_OR_NAME}`, [
    ...["day", "_", "month", "year", ...CLOCK_FIELDS, "zone"],
  ] as Field[]),
  // date(1), ctime(3), Apache's error log: Sat Jan 31 14:05:06.123456 UTC 2026
  calendar(`(?<![A-Za-z])(?:${WEEKDAY} )?${MONTH} +(\\d\\d?) ${CLOCK}(?: (${OFFSET}))? (\\d{4})(?!\\d)`, [
    ...["month", "day", ...CLOCK_FIELDS, "zone", "year"],
  ] as Field[]),
  // java.util.logging: Jan 31, 2026 2:05:06 PM; JavaScript: Sat Jan 31 2026 14:05:06 GMT+0100
  calendar(`(?<![A-Za-z])${MONTH} +(\\d\\d?),? +(\\d{4}),?(?: at)? {1,2}${CLOCK}${ZONE}`, [
    ...["month", "day", "year", ...CLOCK_FIELDS, "zone"],
  ] as Field[]),
  // syslog, RFC 3164: Jan 31 14:05:06
  calendar(`(?<![A-Za-z\\d])${MONTH} +(\\d\\d?) ${CLOCK}${ZONE}`, ["month", "day", ...CLOCK_FIELDS, "zone"]),
  // Redis 2: 31 Jan 14:05:06.123
  calendar(`(?<![\\w:])(\\d\\d?)[- ]${MONTH} ${CLOCK}`, ["day", "month", ...CLOCK_FIELDS]),
];

/** Formats that are a single number. */
export const epochFormats: readonly Format[] = [
  {
    // Squid, plain Unix times
    pattern: new RegExp(
      `${BEGIN}\\[?(\\d{10}|\\d{13}|\\d{16}|\\d{19})(?![\\d.]*\\.\\d+\\.)((?:\\.\\d+)?)(?=[\\]\\s:,|]|$)`,
    ),
    time: ([, digits, fraction]) => unixTime(`${digits}${fraction}`),
  },
  {
    // JSON and logfmt: "ts":1767225600.123
    pattern:
      /(?:^|[\s{,])"?(?:ts|t|time|timestamp|@timestamp|date)"?\s*[:=]\s*"?(\d\.\d+e\+?\d+|(?:\d{10}|\d{13}|\d{16}|\d{19})(?:\.\d+)?)(?!\d)/i,
    time: ([, digits]) => unixTime(digits),
  },
  {
    // auditd: msg=audit(1769868306.123:420)
    pattern: /\baudit\((\d{10}\.\d{3}):\d+\)/,
    time: ([, digits]) => unixTime(digits),
  },
  {
    // .NET: /Date(1769868306000+0100)/; the offset does not affect the time
    pattern: /\\?\/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?\//,
    time: ([, digits]) => Number(digits),
  },
  {
    // TAI64N of multilog and s6-log, ten seconds ahead of Unix time
    pattern: new RegExp(`${BEGIN}@(4[0-9a-f]{15})([0-9a-f]{8})(?![0-9a-f])`),
    time: ([, seconds = "", nanoseconds = ""]) =>
      Number(BigInt(`0x${seconds}`) - 2n ** 62n - 10n) * 1000 + Number.parseInt(nanoseconds, 16) / 1e6,
  },
];

/**
 * A Unix time in seconds, milliseconds, microseconds or nanoseconds, decided by its magnitude;
 * undefined before 2001 and after 2128.
 */
export function unixTime(text = ""): number | undefined {
  const number = Number(text);
  for (const unit of [1000, 1, 1e-3, 1e-6]) {
    const time = number * unit;
    if (time >= 1e12 && time < 5e12) return time;
  }
  return undefined;
}

const DAY = 86_400_000;

/** A format whose capture groups are these fields. */
function calendar(pattern: string, order: readonly Field[]): Format {
  const hasYear = order.includes("year");
  return {
    pattern: new RegExp(pattern, "i"),
    time(match, context) {
      const fields = fieldsOf(match, 1, order);
      return hasYear ? instant(fields, context) : withoutYear(fields, context);
    },
  };
}

function fieldsOf(match: RegExpExecArray, from: number, order: readonly Field[]): Fields {
  const fields: Fields = {};
  for (let at = 0; at < order.length; at++) {
    const [field, text] = [order[at], match[from + at]];
    if (field !== undefined && text !== undefined) fields[field] = text;
  }
  return fields;
}

function instant(fields: Fields, { zone, last }: FormatContext): number | undefined {
  const year = Number(fields.year) + (fields.year?.length === 2 ? 2000 : 0);
  const month = monthOf(fields.month);
  const day = Number(fields.day);
  const hour = hourOf(fields);
  const minute = Number(fields.minute);
  const second = Number(fields.second ?? 0);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  if (day > 28 && day > daysOf(month, year)) return undefined;
  const { fraction = "" } = fields;
  const milliseconds = fraction === "" ? 0 : Number(fraction) / 10 ** (fraction.length - 3);
  return instantWith(fields.zone, Date.UTC(year, month - 1, day, hour, minute, second), zone, last) + milliseconds;
}

function daysOf(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function withoutYear(fields: Fields, context: FormatContext): number | undefined {
  const year = new Date(context.now).getUTCFullYear();
  for (const candidate of [year + 1, year, year - 1]) {
    const time = instant({ ...fields, year: String(candidate) }, context);
    if (time !== undefined && time <= context.now + DAY) return time;
  }
  return undefined;
}

function hourOf({ hour, half }: Fields): number {
  if (half === undefined) return Number(hour);
  return (Number(hour) % 12) + (half === "P" || half === "p" ? 12 : 0);
}

function monthOf(text = ""): number {
  return /^\d/.test(text) ? Number(text) : MONTHS.indexOf(text.slice(0, 3).toLowerCase()) + 1;
}
