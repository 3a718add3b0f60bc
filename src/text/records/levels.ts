/** How serious a line says it is. */
export type Level = "fatal" | "error" | "warn" | "info" | "debug" | "trace";

/** A level stands near a line's beginning. */
const WITHIN = 256;

const NAMES: Readonly<Record<string, Level>> = {
  fatal: "fatal",
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
  warn: "warn",
  warning: "warn",
  wrn: "warn",
  notice: "info",
  info: "info",
  information: "info",
  inf: "info",
  debug: "debug",
  dbg: "debug",
  fine: "debug",
  verbose: "debug",
  trace: "trace",
  trc: "trace",
  finest: "trace",
};

const WORDS = Object.keys(NAMES).sort((a, b) => b.length - a.length);
/** `level=error`, `"severity":"ERROR"`, `[error]`, `<warn>`. */
const NAMED = new RegExp(
  `(?:\\b(?:level|lvl|severity|levelname)"?\\s*[=:]\\s*"?|[\\[<(|]\\s*)(${WORDS.join("|")})\\b`,
  "i",
);
/** A word in capitals by itself, as most formats have it; in small letters only before a colon. */
const ALONE = new RegExp(
  `(?<![\\w/.-])(?:(${WORDS.map((word) => word.toUpperCase()).join("|")})(?![\\w/.-]*\\w)|(${WORDS.join("|")})(?=:\\s))`,
);
/** klog, glog: `E0131 14:05:06.123456`; Android: ` E/Tag: `. */
const LETTER = /^(?:([EWIDFV])(?=\d{4} \d\d:)|\S+ \S+ +\d+ +\d+ ([EWIDFV]) )/;
const LETTERS: Readonly<Record<string, Level>> = {
  F: "fatal",
  E: "error",
  W: "warn",
  I: "info",
  D: "debug",
  V: "trace",
};

/** The level that a line bears and where its word stands, or undefined. The first {@link WITHIN} characters are looked at. */
export function findLevel(text: string): { level: Level; start: number; end: number } | undefined {
  const head = text.length > WITHIN ? text.slice(0, WITHIN) : text;
  const letter = LETTER.exec(head);
  if (letter) {
    const name = letter[1] ?? letter[2] ?? "";
    const start = letter[1] ? 0 : letter[0].length - 2;
    return { level: LETTERS[name] ?? "info", start, end: start + 1 };
  }
  const [named, alone] = [NAMED.exec(head), ALONE.exec(head)];
  const match = named && alone ? (named.index <= alone.index ? named : alone) : (named ?? alone);
  if (!match) return undefined;
  const word = match[1] ?? match[2] ?? "";
  const end = match.index + match[0].length;
  return { level: levelNamed(word) ?? "info", start: end - word.length, end };
}

/** The level of a name, or of a number as pino and bunyan have it (30 is info) and syslog (0 to 7). */
export function levelNamed(name: string | number): Level | undefined {
  if (typeof name === "string" && !/^\d+$/.test(name)) return NAMES[name.toLowerCase()];
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
