import { findLevel } from "../../../src/text/index.ts";
import { barChart, type ChartSize } from "../canvas/sparkline.ts";
import { clipStart, clipText, fitText, safeWidth, textWidth, wrapWords } from "../canvas/text-width.ts";
import { DEFAULT_THEME, type Theme, type ThemePart } from "../canvas/theme.ts";
import type { Chart, Fact, FactRow, PanelSections, PanelState, PanelText, StyledText } from "../view/panel.ts";
import type { Piece } from "./row-text.ts";

/** Width of the labels in columns, including a blank after the longest label. */
const LABEL = 10;

/**
 * Minimum rows for the last lines and their title. The facts above are shortened if fewer rows
 * would remain.
 */
const MIN_LINES = 6;

/** Maximum number of rows for a line. */
const MAX_ROWS = 3;

/** Minimum height of a panel whose charts have two rows. */
const TALL = 22;

/** Shares a panel's height among its sections. */
export function panelSections(state: PanelState): PanelSections {
  const { title, summary, facts, charts, lines, column, row, width, height } = state;
  const isBeside = column > 0;
  const max = height - 1 - (lines ? MIN_LINES : 0);
  const charted = Math.min(Math.max(0, max), charts.length * (height >= TALL ? 2 : 1));
  const room = 1 + Math.max(0, max - charted);
  const known = Math.min(
    height,
    factRows({ title, summary, facts, width, height: room, isBeside }, DEFAULT_THEME).length,
  );
  const common = { width, isBeside };
  return {
    ...{ column, row, width, height },
    facts: { ...common, height: known, title, summary, facts },
    charts: { ...common, height: charted, charts },
    lines: { ...common, height: height - known - charted, lines },
  };
}

/** Draws the title and the facts, in as many rows as the facts need. */
export function factRows(section: PanelSections["facts"], theme: Theme): Piece[][] {
  const { title, summary, facts, height, isBeside } = section;
  const width = contentWidth(section);
  const head = headRow(title, summary, { width, isRule: !isBeside }, theme);
  const layOut = isBeside ? allFactRows : factsBeside;
  return edged([head, ...layOut(facts, { width, height: Math.max(0, height - 1) }, theme)], section, theme);
}

export function chartRows(section: PanelSections["charts"], theme: Theme): Piece[][] {
  const { charts, height } = section;
  const each = Math.floor(height / Math.max(1, charts.length));
  if (each === 0) return [];
  const size = { width: contentWidth(section), height: each };
  return edged(
    charts.flatMap((chart) => rowsOfChart(chart, size, theme)),
    section,
    theme,
  );
}

/** Draws the last lines in exactly the section's rows, below a title. */
export function lastLineRows(section: PanelSections["lines"], theme: Theme): Piece[][] {
  const { lines, height } = section;
  const isRoomy = height > MIN_LINES;
  const size = { width: contentWidth(section), height: isRoomy ? height - 1 : height };
  const rows = lines && size.height > 1 ? lineRows(lines, size, theme) : [];
  const all = isRoomy ? [[], ...rows] : rows;
  return edged(
    Array.from({ length: height }, (_, row) => all[row] ?? []),
    section,
    theme,
  );
}

function contentWidth({ width }: { width: number }): number {
  return Math.max(1, width - 2);
}

/** Puts the border at the left of each row. */
function edged(rows: readonly Piece[][], { isBeside }: { isBeside: boolean }, theme: Theme): Piece[][] {
  const edge: Piece = isBeside ? { text: "│ ", style: theme.border } : { text: " ", style: "" };
  return rows.map((row) => [edge, ...row]);
}

/** Draws facts in two columns, for a wide and low panel. */
function factsBeside(facts: readonly Fact[], { width, height }: ChartSize, theme: Theme): Piece[][] {
  const half = Math.floor((width - 2) / 2);
  const rows = allFactRows(facts, { width: half, height: height * 2 }, theme);
  const count = Math.ceil(rows.length / 2);
  return rows.slice(0, count).map((left, index) => {
    const used = left.reduce((sum, { text }) => sum + textWidth(text), 0);
    return [...left, { text: " ".repeat(Math.max(0, half - used) + 2), style: "" }, ...(rows[count + index] ?? [])];
  });
}

function allFactRows(facts: readonly Fact[], { width, height }: ChartSize, theme: Theme): Piece[][] {
  const counts = facts.map(({ rows }) => rows.length);
  const limits = factLimits(counts, height);
  return facts.flatMap((fact, index) => rowsOfFact(fact, limits[index] ?? 0, width, theme));
}

/** Draws the title and its summary. If the panel is below a list, a rule follows up to the end. */
function headRow(
  title: string,
  summary: readonly StyledText[],
  { width, isRule }: { width: number; isRule: boolean },
  theme: Theme,
): Piece[] {
  const wanted = summary.reduce((sum, { text }) => sum + safeWidth(text), 0);
  const name = clipText(title, Math.max(8, width - wanted - 2));
  const clipped = clipTexts(summary, width - name.width - 2);
  const rest = width - name.width - 2 - clipped.width;
  return [
    { text: name.text, style: theme.heading },
    { text: "  ", style: "" },
    ...painted(clipped.texts, theme),
    ...(isRule && rest > 1 ? [{ text: ` ${"─".repeat(rest - 1)}`, style: theme.border }] : []),
  ];
}

/**
 * Computes the rows of each fact, so that all facts fit into `room`. Every fact has its first row;
 * longer facts share the remaining rows.
 */
export function factLimits(counts: readonly number[], room: number): number[] {
  const limits = counts.map(() => 0);
  let left = Math.max(0, room);
  for (let round = 0; left > 0; round++) {
    const growing = counts.flatMap((count, index) => (count > round ? [index] : []));
    if (growing.length === 0) break;
    for (const index of growing.slice(0, left)) limits[index] = round + 1;
    left -= Math.min(left, growing.length);
  }
  return limits;
}

function rowsOfFact({ label, rows }: Fact, limit: number, width: number, theme: Theme): Piece[][] {
  if (limit === 0) return [];
  const room = Math.max(1, width - LABEL);
  // The last row shows the number of omitted rows.
  const shown = rows.length > limit && limit > 1 ? rows.slice(0, limit - 1) : rows.slice(0, limit);
  const hidden = rows.length - shown.length;
  const body = shown.map((row) => factRow(row, room, limit === 1 ? hidden : 0, theme));
  if (hidden > 0 && limit > 1) body.push([{ text: `${hidden} more`, style: theme.dim }]);
  return body.map((pieces, index) => [
    { text: fitText(index === 0 ? label : "", LABEL), style: theme.title },
    ...pieces,
  ]);
}

function factRow({ texts, end = "", isPath }: FactRow, room: number, hidden: number, theme: Theme): Piece[] {
  const after = clipText(hidden > 0 ? `${hidden} more` : end, room).text;
  const gap = after === "" ? 0 : textWidth(after) + 2;
  const isRoomy = gap < room / 2;
  const textRoom = isRoomy ? room - gap : room;
  const shown = isPath ? clipPath(texts, textRoom) : clipTexts(texts, textRoom);
  const pieces = painted(shown.texts, theme);
  if (after === "" || !isRoomy) return pieces;
  return [...pieces, { text: " ".repeat(textRoom - shown.width + 2), style: "" }, { text: after, style: theme.dim }];
}

function rowsOfChart({ label, value, values, max }: Chart, size: ChartSize, theme: Theme): Piece[][] {
  const { width, height } = size;
  const before = height === 1 ? LABEL + LABEL : LABEL;
  const bars = barChart(values, max, { width: Math.max(1, width - before), height });
  const labels =
    height === 1 ? [fitText(label, LABEL) + fitText(value, LABEL)] : [fitText(label, LABEL), fitText(value, LABEL)];
  return bars.map((bar, row) => {
    const text = labels[row] ?? "";
    return [
      { text: row === 0 ? text.slice(0, LABEL) : "", style: theme.title },
      { text: row === 0 ? text.slice(LABEL) : text, style: "" },
      { text: bar, style: theme.accent },
    ].filter((piece) => piece.text !== "");
  });
}

function lineRows(panel: PanelText, { width, height }: ChartSize, theme: Theme): Piece[][] {
  const { title, hint, lines, note } = panel;
  const rule = Math.max(0, width - safeWidth(title) - safeWidth(hint) - 2);
  const head = [
    { text: title, style: theme.title },
    { text: ` ${"─".repeat(rule)} `, style: theme.border },
    { text: clipText(hint, width).text, style: theme.dim },
  ];
  if (lines.length === 0)
    return [head, ...wrapWords(note, width).map((text) => [{ text, style: theme.dim }])].slice(0, height);
  const rows: Piece[][] = [];
  for (let index = lines.length - 1; index >= 0 && rows.length < height - 1; index--) {
    rows.unshift(...lineOf(lines[index] ?? "", width, theme));
  }
  return [head, ...rows.slice(-(height - 1))];
}

/** Draws a line with its level in colour, wrapped. */
function lineOf(line: string, width: number, theme: Theme): Piece[][] {
  const rows = wrapWords(line, width);
  const shown = rows.slice(0, MAX_ROWS);
  if (rows.length > MAX_ROWS) shown[MAX_ROWS - 1] = clipText(`${shown[MAX_ROWS - 1]}…`, width).text;
  return shown.map((text, index) => (index === 0 ? levelPieces(text, theme) : [{ text, style: "" }]));
}

const LEVEL_TONES: Readonly<Record<string, ThemePart>> = {
  ...{ fatal: "bad", error: "bad", warn: "warning", info: "good", debug: "dim", trace: "dim" },
};

function levelPieces(text: string, theme: Theme): Piece[] {
  const found = findLevel(text);
  const tone = found && LEVEL_TONES[found.level];
  if (!found || !tone) return [{ text, style: "" }];
  return [
    { text: text.slice(0, found.start), style: "" },
    { text: text.slice(found.start, found.end), style: theme[tone] },
    { text: text.slice(found.end), style: "" },
  ].filter((piece) => piece.text !== "");
}

function painted(texts: readonly StyledText[], theme: Theme): Piece[] {
  return texts.map(({ text, tone }) => ({ text, style: tone === undefined ? "" : theme[tone] }));
}

/** Returns the first words that fit, and truncates the last of them. */
function clipTexts(texts: readonly StyledText[], columns: number): { texts: StyledText[]; width: number } {
  const shown: StyledText[] = [];
  let left = columns;
  for (const { text, tone } of texts) {
    if (left <= 0) break;
    const part = clipText(text, left);
    shown.push({ text: part.text, tone });
    left -= part.width;
  }
  return { texts: shown, width: columns - Math.max(0, left) };
}

/** Truncates a path at its start, so that its end stays visible. */
function clipPath(texts: readonly StyledText[], columns: number): { texts: StyledText[]; width: number } {
  const [first, ...rest] = texts;
  if (first === undefined) return { texts: [], width: 0 };
  const after = rest.reduce((sum, { text }) => sum + safeWidth(text), 0);
  const path = clipStart(first.text, Math.max(Math.ceil(columns / 2), columns - after));
  const others = clipTexts(rest, columns - path.width);
  return { texts: [{ text: path.text, tone: first.tone }, ...others.texts], width: path.width + others.width };
}
