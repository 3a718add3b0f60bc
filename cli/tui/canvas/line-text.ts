import {
  findLevel,
  type Level,
  type Mark,
  readJsonLine,
  type StyleOverlay,
  unfoldJson,
  visibleText,
} from "../../../src/text/index.ts";
import type { Theme } from "./theme.ts";

/** Display of lines that are JSON. */
export type JsonView = "raw" | "folded" | "unfolded";

/** The displayed text of a line, in one or more rows, with its styles. */
export interface LineText {
  text: string;
  marks: readonly Mark[];
}

/** Maps a level to the style of its word. */
export type LevelLooks = (level: Level) => StyleOverlay;

/**
 * Returns the styles of levels in the colours of a theme. An error stands out more than a warning.
 * The theme may change: the terminal reports its background later.
 */
export function levelLooks(theme: Theme): LevelLooks {
  const known = new Map<string, StyleOverlay>();
  return (level) => {
    const style = LEVEL_STYLES[level](theme);
    const look = known.get(style) ?? lookOf(style);
    known.set(style, look);
    return look;
  };
}

const LEVEL_STYLES: Readonly<Record<Level, (theme: Theme) => string>> = {
  fatal: ({ bad }) => `${bad};1;7`,
  error: ({ bad }) => `${bad};1`,
  warn: ({ warning }) => warning,
  info: ({ good }) => good,
  debug: ({ dim }) => dim,
  trace: ({ dim }) => dim,
};

/**
 * Returns the displayed text of a line: the line itself with its level in colour, or a view of its
 * JSON. Keeps the line's own colours. Without `levels`, no level is coloured.
 */
export function lineTexts(text: string, json: JsonView, levels: LevelLooks | undefined): LineText[] {
  if (json === "unfolded") {
    const lines = unfoldJson(text);
    if (lines) return lines.map((line) => ({ text: line, marks: levelMarks(levels && findLevel(line), levels) }));
  }
  const read = json === "folded" ? readJsonLine(text) : undefined;
  if (read) return [{ text: read.summary, marks: withLevel(read.aside, levelMarks(read.level, levels)) }];
  if (!levels) return [{ text, marks: [] }];
  return [
    { text, marks: text.includes("\x1b[") ? uncolouredLevel(text, levels) : levelMarks(findLevel(text), levels) },
  ];
}

/**
 * Finds the level of a line that has colours elsewhere, such as a coloured source name before the
 * level.
 */
function uncolouredLevel(line: string, levels: LevelLooks): Mark[] {
  const { text, original } = visibleText(line);
  const found = findLevel(text);
  if (!found) return [];
  const range = original(found.start, found.end);
  const before = line
    .slice(0, range.start)
    .match(/\x1b\[([0-9;:]*)m/g)
    ?.at(-1);
  const isPlain = before === undefined || /^\x1b\[0?m$/.test(before);
  return isPlain ? levelMarks({ ...found, ...range }, levels) : [];
}

type FoundLevel = { level: Level; start: number; end: number };

function levelMarks(found: FoundLevel | undefined, levels: LevelLooks | undefined): Mark[] {
  return found && levels ? [{ start: found.start, end: found.end, look: levels(found.level) }] : [];
}

function withLevel(aside: readonly Mark[], level: readonly Mark[]): Mark[] {
  return [...aside, ...level].sort((a, b) => a.start - b.start);
}

/** Splits a style into its attributes and its colours. */
function lookOf(style: string): StyleOverlay {
  const parameters = style.match(/[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+/g) ?? [];
  const isAttribute = (one: string) => /^[1-9]$/.test(one);
  const colours = parameters.filter((one) => !isAttribute(one)).join(";");
  return {
    ...(colours && { foreground: colours }),
    attributes: [...new Set(parameters.filter(isAttribute).map(Number))],
  };
}
