import type { Mark } from "../rows/paint.ts";
import { type JsonField, type JsonTokens, jsonFields, jsonLines, jsonTokens } from "./json-tokens.ts";
import { type FoundLevel, findLevel, type Level, levelNamed } from "./levels.ts";

/** A line that is one JSON object, with its summary. */
export interface JsonLine {
  /** Time, level, message, then the other fields as `name=value`. */
  summary: string;
  level: FoundLevel | undefined;
  /** Ranges of the time and other fields, which are dimmed. */
  aside: readonly Mark[];
}

/** Longer lines are not parsed. */
const MAX_LINE = 256 * 1024;

/**
 * Longer lines are not summarised: a screen has a hundred rows, and each may have thousands of
 * fields.
 */
const MAX_ROW = 32 * 1024;

const ASIDE = { attributes: [2] };

/** Lower-case names in order of preference; a dot selects a member of a nested object. */
const TIME = ["time", "timestamp", "@timestamp", "@t", "ts", "t", "date", "datetime", "asctime"];
const LEVEL = [
  ...["level", "lvl", "severity", "severitytext", "levelname", "level_name", "log.level", "@l", "loglevel", "priority"],
  ...["jsonpayload.level", "jsonpayload.severity", "syslog.severity", "s"],
];
const MESSAGE = [
  ...["message", "msg", "@m", "@mt", "renderedmessage", "textpayload", "jsonpayload.message", "jsonpayload.msg"],
  ...["short_message", "log", "body", "event", "text", "error"],
];
/** MongoDB's severity letters. */
const LETTERS: Readonly<Record<string, string>> = {
  F: "fatal",
  E: "error",
  W: "warn",
  I: "info",
  ...{ D1: "debug", D2: "debug", D3: "debug", D4: "debug", D5: "debug" },
};

/**
 * Parses a line; undefined if it is not a JSON object. Keeps a prefix, as from `docker compose
 * logs`.
 */
export function readJsonLine(text: string): JsonLine | undefined {
  const found = text.length > MAX_ROW ? undefined : findObject(text);
  if (!found) return undefined;
  const { prefix, tokens } = found;
  const rest = jsonFields(tokens);
  const time = take(rest, TIME);
  const level = take(rest, LEVEL);
  const message = take(rest, MESSAGE);
  const known = level && knownLevel(level.value);
  const aside: Mark[] = [];
  let summary = prefix;
  let levelAt: JsonLine["level"];
  const put = (part: string, isAside: boolean): number => {
    if (summary !== "" && !(summary === prefix && prefix.endsWith(" "))) summary += " ";
    const start = summary.length;
    summary += part;
    if (isAside && part !== "") aside.push({ start, end: summary.length, look: ASIDE });
    return start;
  };
  if (time !== undefined) put(timeText(time), true);
  if (level !== undefined) {
    const word = known === undefined ? level.text : known.toUpperCase();
    const start = put(word.padEnd(5), false);
    if (known) levelAt = { level: known, start, end: start + word.length };
  }
  if (message !== undefined) {
    const start = put(message.name === "log" ? message.text.trimEnd() : message.text, false);
    // Docker wraps the original line, which may contain the level.
    const inside = level === undefined ? findLevel(message.text) : undefined;
    if (inside) levelAt = { ...inside, start: inside.start + start, end: inside.end + start };
  }
  // The level may be before the object: `INFO request {"path":"/"}`.
  levelAt ??= prefix === "" ? undefined : findLevel(prefix);
  if (rest.length > 0) put(rest.map(({ name, text }) => `${name}=${text}`).join(" "), true);
  return { summary, level: levelAt, aside };
}

/** Pretty-prints the object, after its prefix if it has one. */
export function unfoldJson(text: string): string[] | undefined {
  const found = findObject(text);
  if (!found) return undefined;
  const lines = jsonLines(found.tokens);
  return found.prefix === "" ? lines : [found.prefix, ...lines];
}

function findObject(text: string): { prefix: string; tokens: JsonTokens } | undefined {
  if (text.length > MAX_LINE) return undefined;
  const end = text.trimEnd();
  const start = end.indexOf("{");
  if (start === -1 || start > 200 || !end.endsWith("}")) return undefined;
  const tokens = jsonTokens(end.slice(start));
  return tokens && { prefix: end.slice(0, start), tokens };
}

/** Removes and returns the first field with one of the names. */
function take(fields: JsonField[], names: readonly string[]): JsonField | undefined {
  for (const wanted of names) {
    const at = fields.findIndex(({ name, value }) => name.toLowerCase() === wanted && isPlain(wanted, value));
    if (at !== -1) return fields.splice(at, 1)[0];
    const inner = wanted.includes(".") ? innerField(fields, wanted) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/**
 * True if a value can be a level or message. Only a time may be an object. Some names have other
 * meanings elsewhere.
 */
function isPlain(name: string, value: unknown): boolean {
  if (name === "s") return typeof value === "string" && Object.hasOwn(LETTERS, value);
  if (name === "priority") return typeof value === "string" && /^[0-7]$/.test(value);
  return value !== null && (typeof value !== "object" || TIME.includes(name));
}

/** Returns a member of a nested object, without removing it. */
function innerField(fields: readonly JsonField[], wanted: string): JsonField | undefined {
  const [outer, inner] = wanted.split(".");
  for (const { name, value } of fields) {
    if (name.toLowerCase() !== outer || typeof value !== "object" || value === null) continue;
    for (const [key, found] of Object.entries(value))
      if (key.toLowerCase() === inner && (typeof found === "string" || typeof found === "number"))
        return { name: wanted, value: found, text: String(found) };
  }
  return undefined;
}

function knownLevel(value: unknown): Level | undefined {
  if (typeof value === "number") return levelNamed(value);
  if (typeof value !== "string") return undefined;
  return levelNamed(LETTERS[value] ?? value);
}

/** Numbers are Unix times in seconds, milliseconds, microseconds or nanoseconds. */
function timeText({ value, text }: JsonField): string {
  const inner = (value as { $date?: unknown }).$date;
  if (typeof inner === "string") return inner;
  const number = typeof inner === "number" ? inner : value;
  if (typeof number !== "number") return text;
  const digits = Math.floor(Math.log10(Math.abs(number)));
  const date = new Date(number * 10 ** (digits < 11 ? 3 : digits < 14 ? 0 : digits < 17 ? -3 : -6));
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}
