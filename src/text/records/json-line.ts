import type { Mark } from "../rows/paint.ts";
import { type JsonField, type JsonTokens, jsonFields, jsonLines, jsonTokens } from "./json-tokens.ts";
import { type Level, levelNamed } from "./levels.ts";

/** A line that is one JSON object, in parts for people. */
export interface JsonLine {
  /** Time, level, message, then the other fields as `name=value`. */
  summary: string;
  level: { level: Level; start: number; end: number } | undefined;
  /** Where time and other fields stand in the summary: less important than the message. */
  aside: readonly Mark[];
}

/** Longer lines are not taken apart. */
const LONGEST = 256 * 1024;

/** Longer ones are not put into one row: a screen has a hundred rows, each of which may be such a line of thousands of fields. */
const LONGEST_ROW = 32 * 1024;

const ASIDE = { attributes: [2] };

const TIME = ["time", "timestamp", "@timestamp", "ts", "t", "date", "datetime", "asctime"];
const LEVEL = ["level", "lvl", "severity", "levelname", "log.level", "@l", "loglevel"];
const MESSAGE = ["message", "msg", "@m", "event", "text", "error"];

/** Takes a line apart, undefined when it is no JSON object. Text before it (a prefix as of `docker compose logs`) is kept. */
export function readJsonLine(text: string): JsonLine | undefined {
  const found = text.length > LONGEST_ROW ? undefined : findObject(text);
  if (!found) return undefined;
  const { prefix, tokens } = found;
  const rest = jsonFields(tokens);
  const time = take(rest, TIME);
  const level = take(rest, LEVEL);
  const message = take(rest, MESSAGE);
  const named = level?.value;
  const known = typeof named === "string" || typeof named === "number" ? levelNamed(named) : undefined;
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
  if (message !== undefined) put(message.text, false);
  if (rest.length > 0) put(rest.map(({ name, text }) => `${name}=${text}`).join(" "), true);
  return { summary, level: levelAt, aside };
}

/** The same object over several lines; what was before it first. */
export function unfoldJson(text: string): string[] | undefined {
  const found = findObject(text);
  if (!found) return undefined;
  const lines = jsonLines(found.tokens);
  return found.prefix === "" ? lines : [found.prefix, ...lines];
}

function findObject(text: string): { prefix: string; tokens: JsonTokens } | undefined {
  if (text.length > LONGEST) return undefined;
  const end = text.trimEnd();
  const start = end.indexOf("{");
  if (start === -1 || start > 200 || !end.endsWith("}")) return undefined;
  const tokens = jsonTokens(end.slice(start));
  return tokens && { prefix: end.slice(0, start), tokens };
}

/** Takes out the field of the first name that there is. */
function take(fields: JsonField[], names: readonly string[]): JsonField | undefined {
  for (const wanted of names) {
    const at = fields.findIndex(({ name, value }) => name === wanted && value !== null);
    if (at !== -1) return fields.splice(at, 1)[0];
  }
  return undefined;
}

/** Numbers are Unix times of seconds or milliseconds. */
function timeText({ value, text }: JsonField): string {
  if (typeof value !== "number") return text;
  const date = new Date(value < 1e11 ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? text : date.toISOString();
}
