import {
  clockFormats,
  epochFormats,
  type Format,
  type FormatContext,
  monthFormats,
  numberFormats,
  type TimestampOptions,
} from "../../times/formats.ts";
import { jsonTime } from "../../times/json-time.ts";

export type { TimestampOptions } from "../../times/formats.ts";

/** Characters of a line that are searched for its time, which is near the beginning. */
const TIMESTAMP_WITHIN = 256;
/** Characters that are searched for a later name=value. */
const NAMED_WITHIN = 8192;
/** Maximum characters before a JSON object in a line: a name or a time. */
const OBJECT_WITHIN = 100;

/** Common parts of the formats in each group. */
const CLOCK = /\d:\d\d|\dT\d{6}/i;
const MONTH = /jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec/i;
const EPOCH = /\d{10}|\d\.\d+e|\/Date\(|@4[0-9a-f]{23}/i;
const ANY = new RegExp(`${CLOCK.source}|${EPOCH.source}`, "i");
const COLOUR = /\x1b\[[\d;]*m/g;
const NAMED = /\s(?:time|timestamp|ts|t)="?(?=\d)/;

/**
 * Returns the timestamp of a log line in milliseconds since 1970; undefined if it has none. The
 * first timestamp is used; docs/times.md lists the formats.
 * @param text only the first {@link TIMESTAMP_WITHIN} characters are used, except in a JSON object
 */
export function parseTimestamp(text: string, options: TimestampOptions): number | undefined {
  return new TimestampReader(options).read(Buffer.from(text));
}

/** {@link parseTimestamp} for the lines of one file, which mostly share a format. */
export class TimestampReader {
  readonly #context: FormatContext;
  #usual: Format | undefined;

  constructor(options: TimestampOptions) {
    this.#context = { ...options };
  }

  /** `line`: bytes of one line. */
  read(line: Uint8Array): number | undefined {
    const bytes = withoutJunk(line);
    const time = this.#read(bytes);
    if (time !== undefined) this.#context.last = time;
    return time;
  }

  #read(bytes: Buffer): number | undefined {
    const head = headText(bytes, 0);
    const object = head.slice(0, OBJECT_WITHIN).indexOf('{"');
    // Text before an object is a name, or a time that takes precedence.
    if (object !== -1 && !(object > 0 && ANY.test(head.slice(0, object)))) {
      const time = jsonTime(bytes, bytes.indexOf("{"), (text) => this.#find(text.slice(0, TIMESTAMP_WITHIN)));
      if (time !== undefined) return time;
    }
    return this.#find(head) ?? (bytes.length > TIMESTAMP_WITHIN ? this.#named(bytes) : undefined);
  }

  /** Finds a time of logfmt, which has its names in any order. */
  #named(bytes: Buffer): number | undefined {
    const text = bytes.toString("latin1", 0, Math.min(bytes.length, NAMED_WITHIN));
    const match = NAMED.exec(text);
    return match ? this.#find(text.slice(match.index, match.index + TIMESTAMP_WITHIN)) : undefined;
  }

  #find(text: string): number | undefined {
    const match = this.#usual?.pattern.exec(text);
    if (match && (match.index === 0 || !ANY.test(text.slice(0, match.index)))) {
      const time = this.#usual?.time(match, this.#context);
      if (time !== undefined) return time;
    }
    const found = find(text, this.#context);
    if (found) this.#usual = found.format;
    return found?.time;
  }
}

interface Found {
  format: Format;
  at: number;
  time: number;
}

function find(text: string, context: FormatContext): Found | undefined {
  let best: Found | undefined;
  const among = (formats: readonly Format[]) => {
    for (const format of formats) {
      const match = format.pattern.exec(text);
      if (!match || (best && match.index >= best.at)) continue;
      const time = format.time(match, context);
      if (time !== undefined) best = { format, at: match.index, time };
    }
  };
  if (CLOCK.test(text)) {
    among(clockFormats);
    if (MONTH.test(text)) among(monthFormats);
    among(numberFormats);
  }
  if (EPOCH.test(text)) among(epochFormats);
  return best;
}

/** Skips NULs, which a crash may leave before a line, and a byte order mark. */
function withoutJunk(line: Uint8Array): Buffer {
  let from = 0;
  while (line[from] === 0) from++;
  if (line[from] === 0xef && line[from + 1] === 0xbb && line[from + 2] === 0xbf) from += 3;
  return Buffer.from(line.buffer, line.byteOffset + from, line.length - from);
}

function headText(bytes: Buffer, from: number): string {
  const text = bytes.toString("latin1", from, Math.min(bytes.length, from + TIMESTAMP_WITHIN));
  return text.includes("\x1b[") ? text.replace(COLOUR, "") : text;
}
