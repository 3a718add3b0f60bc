import { unixTime } from "./formats.ts";

/** Names of time members, also with a leading `@`. */
const NAMES = withAt([
  ...["time", "timestamp", "ts", "t", "date", "datetime", "asctime", "eventtime", "created", "timemillis", "instant"],
  ...["timeunixnano", "observedtimeunixnano", "start_time", "starttime", "__realtime_timestamp"],
  ...["requestreceivedtimestamp", "stagetimestamp", "logtime", "log_time", "timestamp_ms", "isotime", "epoch"],
]);
/** Names at which the search ends. */
const CERTAIN = withAt(["time", "timestamp", "ts"]);

const [QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [34, 92, 44, 58, 123, 125, 91, 93];
const [NEWLINE, SPACE] = [10, 32];
/** Maximum length of a time's value. */
const VALUE = 160;
/** Maximum length of a name. */
const NAME = 40;
/**
 * Matches Docker's own time, which is the last member of its lines. The message may contain other
 * times.
 */
const LAST = /[,{]\s*"@?(?:time|timestamp|ts)"\s*:\s*("(?:[^"\\]|\\.){1,64}"|[\d.eE+]{9,30})\s*\}\s*$/i;

/**
 * The time of a JSON object at `start` of a line, taken from its last member if that is a time.
 * Otherwise from the first usual time member, outer ones first. Skips from string to string without
 * parsing the rest.
 * @param textTime parses a timestamp
 */
export function jsonTime(
  line: Buffer,
  start: number,
  textTime: (text: string) => number | undefined,
): number | undefined {
  const last = LAST.exec(line.toString("latin1", Math.max(start, line.length - 128), line.length));
  const time = last?.[1] && valueTime(last[1], textTime);
  return time || scan(line, start, textTime);
}

function scan(line: Buffer, start: number, textTime: (text: string) => number | undefined): number | undefined {
  let found: { time: number; depth: number } | undefined;
  let depth = 0;
  // A string is a name after an opening brace or a comma.
  let isName = false;
  const lists: boolean[] = [];
  for (let at = start; at < line.length; at++) {
    const byte = line[at];
    if (byte === QUOTE) {
      const end = stringEnd(line, at + 1);
      if (end === -1) break;
      const name = isName && end - at <= NAME ? line.toString("latin1", at + 1, end).toLowerCase() : "";
      const isCertain = depth === 1 && CERTAIN.has(name);
      if (isCertain || (NAMES.has(name) && (found === undefined || depth < found.depth))) {
        const from = valueStart(line, end + 1);
        const time = valueTime(line.toString("latin1", from, Math.min(line.length, from + VALUE)), textTime);
        if (isCertain && time !== undefined) return time;
        if (time !== undefined) found = { time, depth };
      }
      at = end;
      isName = false;
    } else if (byte === OPEN || byte === OPEN_LIST) {
      depth++;
      lists[depth] = byte === OPEN_LIST;
      isName = byte === OPEN;
    } else if (byte === CLOSE || byte === CLOSE_LIST) {
      if (--depth === 0) break;
    } else if (byte === COMMA) isName = lists[depth] === false;
    else if (byte === COLON) isName = false;
    else if (byte === NEWLINE) break;
  }
  return found?.time;
}

/** End of the string that starts before `from`. */
function stringEnd(line: Buffer, from: number): number {
  const first = line.indexOf(QUOTE, from);
  if (first === -1 || line[first - 1] !== BACKSLASH) return first;
  for (let at = from; at < line.length; at++) {
    if (line[at] === BACKSLASH) at++;
    else if (line[at] === QUOTE) return at;
  }
  return -1;
}

/** Start of the value whose name ends before `from`. */
function valueStart(line: Buffer, from: number): number {
  let at = from;
  while (line[at] === SPACE || line[at] === COLON) at++;
  return at;
}

function withAt(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => [name, `@${name}`]));
}

/** The time of a value at the start of `text`; ignores what follows. */
function valueTime(text: string, textTime: (text: string) => number | undefined): number | undefined {
  const string = /^"((?:[^"\\]|\\.)*)"/.exec(text);
  if (string) {
    const inside = string[1] ?? "";
    if (/^\d+(?:\.\d+)?$/.test(inside)) return unixTime(inside);
    return textTime(inside.includes("\\") ? unescaped(inside) : inside);
  }
  const number = /^\d[\d.eE+]*/.exec(text);
  if (number) return unixTime(number[0]);
  // MongoDB; Stackdriver and Protocol Buffers; Log4j
  const date = /^\{\s*"\$date"\s*:\s*(?:\{\s*"\$numberLong"\s*:\s*)?("[^"\\]*"|\d+)/.exec(text);
  if (date?.[1]) return valueTime(date[1], textTime);
  const parts =
    /^\{\s*"(?:seconds|epochSecond)"\s*:\s*"?(\d+)"?(?:\s*,\s*"(?:nanos|nanoOfSecond)"\s*:\s*(\d{1,9}))?/.exec(text);
  const seconds = parts && unixTime(parts[1]);
  return seconds ? seconds + Number(parts[2] ?? 0) / 1e6 : undefined;
}

function unescaped(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}
