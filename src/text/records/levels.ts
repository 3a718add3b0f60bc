/** Severity of a line. */
export type Level = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

/** Characters of a line that are searched for a level, which is near its beginning. */
const WITHIN = 256;
/** Characters of a JSON object that are searched: its level may be anywhere. */
const JSON_WITHIN = 8192;

const NAMES: Readonly<Record<string, Level>> = {
  fatal: "fatal",
  ftl: "fatal",
  panic: "fatal",
  emerg: "fatal",
  emergency: "fatal",
  alert: "fatal",
  crit: "fatal",
  critical: "fatal",
  error: "error",
  err: "error",
  severe: "error",
  eror: "error",
  fail: "error",
  warn: "warn",
  warning: "warn",
  wrn: "warn",
  notice: "info",
  info: "info",
  information: "info",
  inf: "info",
  debug: "debug",
  dbg: "debug",
  dbug: "debug",
  ...{ debug1: "debug", debug2: "debug", debug3: "debug", debug4: "debug", debug5: "debug" },
  fine: "debug",
  verbose: "debug",
  vrb: "debug",
  trace: "trace",
  trc: "trace",
  trce: "trace",
  finer: "trace",
  finest: "trace",
};

const WORDS = Object.keys(NAMES).sort((a, b) => b.length - a.length);
/** Names of a level in an object or in logfmt. */
const KEY = "(?:log|syslog|event)?[._]?(?:level|lvl|severity|severitytext|levelname|level_name|loglevel|@l)";
/**
 * `level=error`, `"severity":"ERROR"`, `[error]`, `<warn>`. This pattern and {@link ALONE} match
 * any word: V8 takes milliseconds to compile a list of all levels, which would delay the first
 * text.
 */
const NAMED = new RegExp(`(?:(?<![\\w.])${KEY}"?\\s*[=:]\\s*"?|[\\[<(|]\\s*)([a-z]+\\d?)\\b`, "gi");
/** `"level":"error"`, `"level":50`, journald's `"PRIORITY":"3"`: a member of a JSON object. */
const MEMBER = new RegExp(
  `[{,]\\s*"${KEY}"\\s*:\\s*(?:"(${WORDS.join("|")}|[0-7])"|(\\d{1,2})(?=\\s*[,}]))|[{,]\\s*"priority"\\s*:\\s*"([0-7])"`,
  "i",
);
/**
 * Matches a single word in capitals, as in most formats. A word in lower case needs a colon after
 * it.
 */
const ALONE = /(?<![\w/.-])(?:([A-Z]+\d?)(?![\w/.-]*\w)|([a-z]+\d?)(?=:\s))/g;
/** klog, glog: `E0131 14:05:06.123456`; Ruby: `E, [2026-01-31T`; Android: ` E/Tag: `. */
const LETTER = /^(?:([EWIDFV])(?=\d{4}(?:\d{4})? \d\d:|, \[\d)|\S+ \S+ +\d+ +\d+ ([EWIDFV]) )/;
const LETTERS: Readonly<Record<string, Level>> = {
  F: "fatal",
  E: "error",
  W: "warn",
  I: "info",
  D: "debug",
  V: "trace",
};
/** syslog: facility times eight plus severity. */
const PRIORITY = /^<(\d{1,3})>(?=1 |[A-Z\d])/;

/** A level and its position in a line. */
export interface FoundLevel {
  level: Level;
  start: number;
  end: number;
}

/**
 * Finds the level of a line; undefined if it has none. Searches the first {@link WITHIN}
 * characters, in a JSON object the first {@link JSON_WITHIN}.
 */
export function findLevel(text: string): FoundLevel | undefined {
  const head = text.length > WITHIN ? text.slice(0, WITHIN) : text;
  const letter = LETTER.exec(head);
  if (letter) {
    const name = letter[1] ?? letter[2] ?? "";
    const start = letter[1] ? 0 : letter[0].length - 2;
    return { level: LETTERS[name] ?? "info", start, end: start + 1 };
  }
  const priority = Number(PRIORITY.exec(head)?.[1] ?? 192);
  if (priority < 192) return found(levelNamed(priority % 8), 1, String(priority));
  const member = head.includes('{"') ? MEMBER.exec(text.slice(0, JSON_WITHIN)) : null;
  if (member) {
    const word = member[1] ?? member[2] ?? member[3] ?? "";
    return found(levelNamed(word), member.index + member[0].lastIndexOf(word), word);
  }
  const [named, alone] = [firstLevel(NAMED, head), firstLevel(ALONE, head)];
  const match = named && alone ? (named.index <= alone.index ? named : alone) : (named ?? alone);
  if (!match) return undefined;
  const word = match[1] ?? match[2] ?? "";
  return found(levelNamed(word), match.index + match[0].length - word.length, word);
}

/** Returns the first match whose word names a level. */
function firstLevel(pattern: RegExp, text: string): RegExpExecArray | null {
  for (let from = 0; ; ) {
    pattern.lastIndex = from;
    const match = pattern.exec(text);
    if (!match || Object.hasOwn(NAMES, (match[1] ?? match[2] ?? "").toLowerCase())) return match;
    // A later match may begin within this one: `[level=error]`.
    from = match.index + 1;
  }
}

/** Returns the level of a name or a number: pino and bunyan (30 is info), syslog (0 to 7). */
export function levelNamed(name: string | number): Level | undefined {
  if (typeof name === "string" && !/^\d+$/.test(name))
    return Object.hasOwn(NAMES, name.toLowerCase()) ? NAMES[name.toLowerCase()] : undefined;
  const number = Number(name);
  if (number >= 60) return "fatal";
  if (number >= 50) return "error";
  if (number >= 40) return "warn";
  if (number >= 30) return "info";
  if (number >= 20) return "debug";
  if (number >= 10) return "trace";
  if (number <= 2) return "fatal";
  return number === 3 ? "error" : number === 4 ? "warn" : number <= 6 ? "info" : "debug";
}

function found(level: Level | undefined, start: number, word: string): FoundLevel {
  return { level: level ?? "info", start, end: start + word.length };
}
