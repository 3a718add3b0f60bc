import {
  findLevel,
  type Level,
  type Mark,
  readJsonLine,
  type StyleOverlay,
  unfoldJson,
  visibleText,
} from "../../../src/text/index.ts";

/** Display of lines that are JSON. */
export type JsonView = "raw" | "folded" | "unfolded";

/** The displayed text of a line, in one row or more, with its styles. */
export interface LineText {
  text: string;
  marks: readonly Mark[];
}

/** Colours of the terminal's own palette, which are readable on dark and light backgrounds. */
export const LEVELS: Readonly<Record<Level, StyleOverlay>> = {
  fatal: { foreground: "31", attributes: [1, 7] },
  error: { foreground: "31", attributes: [1] },
  // Yellow letters are not readable on a light background, least of all bold ones, which many
  // terminals make brighter.
  warn: { foreground: "30;43" },
  info: { foreground: "32" },
  debug: { foreground: "36" },
  trace: { attributes: [2] },
};

/**
 * The displayed text of a line: the line itself with its level in colour, or a view of its JSON.
 * Keeps the line's own colours.
 */
export function lineTexts(text: string, json: JsonView, levels: boolean): LineText[] {
  if (json === "unfolded") {
    const lines = unfoldJson(text);
    if (lines) return lines.map((line) => ({ text: line, marks: levels ? levelMarks(findLevel(line)) : [] }));
  }
  const read = json === "folded" ? readJsonLine(text) : undefined;
  if (read) return [{ text: read.summary, marks: withLevel(read.aside, levels ? read.level : undefined) }];
  if (!levels) return [{ text, marks: [] }];
  return [{ text, marks: text.includes("\x1b[") ? uncolouredLevel(text) : levelMarks(findLevel(text)) }];
}

/** The level of a line that has colours elsewhere, such as a coloured source name before it. */
function uncolouredLevel(line: string): Mark[] {
  const { text, original } = visibleText(line);
  const found = findLevel(text);
  if (!found) return [];
  const range = original(found.start, found.end);
  const before = line
    .slice(0, range.start)
    .match(/\x1b\[([0-9;:]*)m/g)
    ?.at(-1);
  const isPlain = before === undefined || /^\x1b\[0?m$/.test(before);
  return isPlain ? levelMarks({ ...found, ...range }) : [];
}

type FoundLevel = { level: Level; start: number; end: number };

function levelMarks(found: FoundLevel | undefined): Mark[] {
  return found ? [{ start: found.start, end: found.end, look: LEVELS[found.level] }] : [];
}

function withLevel(aside: readonly Mark[], level: FoundLevel | undefined): Mark[] {
  return [...aside, ...levelMarks(level)].sort((a, b) => a.start - b.start);
}
