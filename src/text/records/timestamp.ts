/** What a line's time may leave open. */
export interface TimestampOptions {
  /** Milliseconds since 1970, for formats without a year: the latest year that is not in the future, a day's grace given. */
  now: number;
  /** What a time without a zone means: `utc`, as most containers run, or this machine's zone. */
  zone: "utc" | "local";
}

/** A line's time lies near its beginning. */
const TIMESTAMP_WITHIN = 256;

/**
 * The time that a log line bears, in milliseconds since 1970, or undefined. Knows ISO 8601 and RFC 3339 (Java's and Python's comma too), `2026/01/31
 * 14:05:06` (Go, nginx errors), nginx and Apache access and error logs, syslog (RFC 3164 and 5424), `Jan 31, 2026 2:05:06 PM` (java.util.logging),
 * `31 Jan 2026 14:05:06`, klog, and Unix times of 10 to 19 digits at the beginning or under a usual name in JSON and logfmt. Of several the first counts.
 * @param text the first {@link TIMESTAMP_WITHIN} characters are looked at
 */
export function parseTimestamp(text: string, options: TimestampOptions): number | undefined {
  return find(text.slice(0, TIMESTAMP_WITHIN), options)?.time;
}

/** {@link parseTimestamp} for the lines of one file, which mostly bear theirs in one form at one place. */
export class TimestampReader {
  readonly #options: TimestampOptions;
  #usual: { format: Format; at: number } | undefined;

  constructor(options: TimestampOptions) {
    this.#options = options;
  }

  /** `line`: bytes; more than the beginning is not looked at. */
  read(line: Uint8Array): number | undefined {
    const { buffer, byteOffset, length } = line;
    const text = Buffer.from(buffer, byteOffset, Math.min(length, TIMESTAMP_WITHIN)).toString("latin1");
    const usual = this.#usual;
    if (usual) {
      const match = usual.format.pattern.exec(text);
      const time = match?.index === usual.at ? usual.format.time(match, this.#options) : undefined;
      if (time !== undefined) return time;
    }
    const found = find(text, this.#options);
    if (found) this.#usual = { format: found.format, at: found.at };
    return found?.time;
  }
}

interface Format {
  pattern: RegExp;
  time(match: RegExpExecArray, options: TimestampOptions): number | undefined;
}

function find(text: string, options: TimestampOptions): { format: Format; at: number; time: number } | undefined {
  let best: { format: Format; at: number; time: number } | undefined;
  for (const format of formats) {
    const match = format.pattern.exec(text);
    if (!match || (best && match.index >= best.at)) continue;
    const time = format.time(match, options);
    if (time !== undefined) best = { format, at: match.index, time };
  }
  return best;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const CLOCK = "(\\d\\d):(\\d\\d):(\\d\\d)(?:[.,](\\d{1,9}))?";
const ZONE = "(?: ?(Z|UTC|[+-]\\d\\d:?\\d\\d)(?![0-9A-Za-z]))?";

const formats: readonly Format[] = [
  {
    pattern: new RegExp(`(?<!\\d)(\\d{4})[-/](\\d\\d)[-/](\\d\\d)[T ]${CLOCK}${ZONE}`, "i"),
    time: ([, year, month, day, hour, minute, second, fraction, zone], options) =>
      instant({ year, month: Number(month), day, hour, minute, second, fraction, zone }, options),
  },
  {
    // Apache and nginx access logs: 31/Jan/2026:14:05:06 +0000
    pattern: new RegExp(`(?<!\\d)(\\d\\d)/${MONTH}/(\\d{4}):${CLOCK}${ZONE}`, "i"),
    time: ([, day, month, year, hour, minute, second, fraction, zone], options) =>
      instant({ year, month: monthOf(month), day, hour, minute, second, fraction, zone }, options),
  },
  {
    // Apache error logs and ctime(3): Sat Jan 31 14:05:06.123456 2026
    pattern: new RegExp(`(?<![A-Za-z])(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} +(\\d{1,2}) ${CLOCK} (\\d{4})(?!\\d)`),
    time: ([, month, day, hour, minute, second, fraction, year], options) =>
      instant({ year, month: monthOf(month), day, hour, minute, second, fraction }, options),
  },
  {
    // java.util.logging: Jan 31, 2026 2:05:06 PM
    pattern: new RegExp(`(?<![A-Za-z])${MONTH} (\\d{1,2}), (\\d{4}),? (\\d{1,2}):(\\d\\d):(\\d\\d)\\s?(AM|PM)`, "i"),
    time: ([, month, day, year, hour, minute, second, half], options) =>
      instant(
        {
          year,
          month: monthOf(month),
          day,
          hour: (Number(hour) % 12) + (/pm/i.test(half ?? "") ? 12 : 0),
          minute,
          second,
        },
        options,
      ),
  },
  {
    // Redis, mail: 31 Jan 2026 14:05:06.123
    pattern: new RegExp(`(?<!\\d)(\\d{1,2}) ${MONTH} (\\d{4}) ${CLOCK}${ZONE}`),
    time: ([, day, month, year, hour, minute, second, fraction, zone], options) =>
      instant({ year, month: monthOf(month), day, hour, minute, second, fraction, zone }, options),
  },
  {
    // syslog, RFC 3164: Jan 31 14:05:06
    pattern: new RegExp(`^(?:<\\d{1,3}>)?${MONTH} +(\\d{1,2}) ${CLOCK}`),
    time: ([, month, day, hour, minute, second, fraction], options) =>
      withoutYear({ month: monthOf(month), day, hour, minute, second, fraction }, options),
  },
  {
    // klog, glog: I0131 14:05:06.123456
    pattern: new RegExp(`^[IWEF](\\d\\d)(\\d\\d) ${CLOCK}`),
    time: ([, month, day, hour, minute, second, fraction], options) =>
      withoutYear({ month: Number(month), day, hour, minute, second, fraction }, options),
  },
  {
    pattern: /^\[?(\d{10}|\d{13}|\d{16}|\d{19})(\.\d{1,9})?(?=[\]\s:,|]|$)/,
    time: ([, digits, fraction]) => unixTime(digits, fraction),
  },
  {
    // JSON and logfmt: "ts":1767225600.123
    pattern:
      /(?:^|[\s{,])"?(?:ts|t|time|timestamp|@timestamp|date)"?\s*[:=]\s*"?(\d{10}|\d{13}|\d{16}|\d{19})(\.\d{1,9})?(?!\d)/i,
    time: ([, digits, fraction]) => unixTime(digits, fraction),
  },
];

type Digits = string | number | undefined;

interface Fields {
  year: Digits;
  month: number;
  day: Digits;
  hour: Digits;
  minute: Digits;
  second: Digits;
  fraction?: string | undefined;
  zone?: string | undefined;
}

function instant(fields: Fields, options: TimestampOptions): number | undefined {
  const [year = 0, day = 0, hour = 0, minute = 0, second = 0] = [
    fields.year,
    fields.day,
    fields.hour,
    fields.minute,
    fields.second,
  ].map(Number);
  const { month, zone } = fields;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
  const fraction = fields.fraction === undefined ? 0 : Number(`0.${fields.fraction}`) * 1000;
  if (zone === undefined && options.zone === "local")
    return new Date(year, month - 1, day, hour, minute, second).getTime() + fraction;
  return Date.UTC(year, month - 1, day, hour, minute, second) + fraction - offsetOf(zone);
}

function withoutYear(fields: Omit<Fields, "year">, options: TimestampOptions): number | undefined {
  const year = new Date(options.now).getUTCFullYear();
  const next = instant({ ...fields, year: year + 1 }, options);
  if (next !== undefined && next <= options.now + DAY) return next;
  const same = instant({ ...fields, year }, options);
  return same !== undefined && same > options.now + DAY ? instant({ ...fields, year: year - 1 }, options) : same;
}

const DAY = 86_400_000;

function offsetOf(zone: string | undefined): number {
  const match = /([+-])(\d\d):?(\d\d)/.exec(zone ?? "");
  if (!match) return 0;
  return (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) * 60_000;
}

/** Seconds, milliseconds, microseconds or nanoseconds, by the number of digits. */
function unixTime(digits = "", fraction = ""): number {
  const unit = { 10: 1000, 13: 1, 16: 1e-3, 19: 1e-6 }[digits.length] ?? 1;
  return Number(digits) * unit + Number(`0${fraction}`) * unit;
}

function monthOf(name = ""): number {
  return MONTHS.indexOf(name.toLowerCase()) + 1;
}
