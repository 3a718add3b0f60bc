import { type Level, levelNamed } from "./levels.ts";
import type { Mark } from "./paint.ts";

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
/** Nor deeper ones: each level is indented further, and some thousands are more than JSON.stringify has a stack for. */
const DEEPEST = 64;

const TIME = ["time", "timestamp", "@timestamp", "ts", "t", "date", "datetime", "asctime"];
const LEVEL = ["level", "lvl", "severity", "levelname", "log.level", "@l", "loglevel"];
const MESSAGE = ["message", "msg", "@m", "event", "text", "error"];

/** Takes a line apart, undefined when it is no JSON object. Text before it (a prefix as of `docker compose logs`) is kept. */
export function readJsonLine(text: string): JsonLine | undefined {
  const found = findObject(text);
  if (!found) return undefined;
  const { prefix, fields } = found;
  const rest = new Map(Object.entries(fields));
  const time = take(rest, TIME);
  const level = take(rest, LEVEL);
  const message = take(rest, MESSAGE);
  const known = typeof level === "string" || typeof level === "number" ? levelNamed(level) : undefined;
  const aside: Mark[] = [];
  let summary = prefix;
  let levelAt: JsonLine["level"];
  const put = (part: string, isAside: boolean): number => {
    if (summary !== "" && !(summary === prefix && prefix.endsWith(" "))) summary += " ";
    const start = summary.length;
    summary += part;
    if (isAside && part !== "") aside.push({ start, end: summary.length, look: { attributes: [2] } });
    return start;
  };
  if (time !== undefined) put(timeText(time), true);
  if (level !== undefined) {
    const word = known === undefined ? plain(level) : known.toUpperCase();
    const start = put(word.padEnd(5), false);
    if (known) levelAt = { level: known, start, end: start + word.length };
  }
  if (message !== undefined) put(plain(message), false);
  for (const [name, value] of rest) put(`${name}=${plain(value)}`, true);
  return { summary, level: levelAt, aside };
}

/** The same object over several lines, as JSON.stringify with an indent of 2; what was before it first. */
export function unfoldJson(text: string): string[] | undefined {
  const found = findObject(text);
  if (!found) return undefined;
  const lines = JSON.stringify(found.fields, undefined, 2).split("\n");
  return found.prefix === "" ? lines : [found.prefix, ...lines];
}

function findObject(text: string): { prefix: string; fields: Record<string, unknown> } | undefined {
  if (text.length > LONGEST) return undefined;
  const end = text.trimEnd();
  const start = end.indexOf("{");
  if (start === -1 || start > 200 || !end.endsWith("}")) return undefined;
  try {
    const fields: unknown = JSON.parse(end.slice(start));
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return undefined;
    if (isTooDeep(fields)) return undefined;
    return { prefix: end.slice(0, start), fields: fields as Record<string, unknown> };
  } catch {
    return undefined;
  }
}

function isTooDeep(fields: object): boolean {
  let level: unknown[] = [fields];
  for (let depth = 0; depth < DEEPEST; depth++) {
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
    if (level.length === 0) return false;
  }
  return true;
}

function take(fields: Map<string, unknown>, names: readonly string[]): unknown {
  const name = names.find((wanted) => fields.has(wanted) && fields.get(wanted) !== null);
  if (name === undefined) return undefined;
  const value = fields.get(name);
  fields.delete(name);
  return value;
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Numbers are Unix times of seconds or milliseconds. */
function timeText(value: unknown): string {
  if (typeof value !== "number") return plain(value);
  const date = new Date(value < 1e11 ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? String(value) : date.toISOString();
}
