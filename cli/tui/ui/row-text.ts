import { sanitiseText } from "../../../src/text/index.ts";
import { clipText, textWidth } from "../canvas/text-width.ts";
import type { Theme, ThemePart } from "../canvas/theme.ts";
import type { KeyHint, KeyHints } from "../keymap/hints.ts";
import type { BottomState, ShownPrompt, TopState } from "./state.ts";

/** Text in one style. The style is the parameters of SGR, empty for plain. */
export interface Piece {
  text: string;
  style: string;
}

/** Minimum columns of the left end. If fewer remain, the right end is omitted. */
const LEFT_MINIMUM = 12;

/** Draws the title row: the content and its route. Sanitises names, which come from containers. */
export function titleRow({ title, subtitle, columns }: Omit<TopState, "tabs">, theme: Theme): Piece[] {
  const { left, right } = fitRow(` ${sanitiseText(title)}`, ` ${sanitiseText(subtitle)} `, columns);
  const { before, name, after } = titleParts(left);
  return pieces(theme, [
    ["bar", before],
    ["bar-strong", name],
    ["bar", after],
    ["bar-dim", right],
  ]);
}

/**
 * Divides a title for emphasis: on the last component of a path, or on the whole of any other
 * title.
 */
function titleParts(title: string): { before: string; name: string; after: string } {
  const end = title.indexOf("  ") === -1 ? title.trimEnd().length : title.indexOf("  ");
  const slash = title.lastIndexOf("/", end - 2);
  return { before: title.slice(0, slash + 1), name: title.slice(slash + 1, end), after: title.slice(end) };
}

/** Draws the row of tabs: as many numbers and titles as fit. */
export function tabsRow(state: TopState, theme: Theme): Piece[] {
  return tabParts(state).map(({ text }, index) => {
    const style = index === state.tabs?.at ? `${theme.accent};1;4` : theme.dim;
    return { text, style: style.replace(/^;/, "") };
  });
}

/** Returns the index of the tab in this column; undefined if there is none. */
export function tabAt(state: TopState, column: number): number | undefined {
  let end = 0;
  const index = tabParts(state).findIndex(({ width }) => {
    end += width;
    return column < end;
  });
  return index === -1 ? undefined : index;
}

/** Returns the tabs that fit. */
function tabParts({ tabs, columns }: TopState): { text: string; width: number }[] {
  const titles = tabs?.titles ?? [];
  const room = Math.max(4, Math.floor((columns - 1) / Math.max(1, titles.length)) - 4);
  let left = columns;
  return titles
    .map((title, index) => {
      const part = clipText(` ${index + 1} ${clipText(title, room).text} `, left);
      left -= part.width;
      return part;
    })
    .filter(({ width }) => width > 0);
}

/**
 * Draws the status row: activity at the left, position at the right. `mark` comes before `left`, as
 * a label.
 */
export function statusRow({ status, columns }: Pick<BottomState, "status" | "columns">, theme: Theme): Piece[] {
  const mark = clipText(status.mark === "" ? "" : ` ${status.mark} `, columns);
  const left = ` ${sanitiseText(status.left)}`;
  const right = `${sanitiseText(status.right)} `;
  const room = columns - mark.width;
  // Puts a gap after a truncated left end.
  const gap = textWidth(left) + textWidth(right) <= room ? "" : "  ";
  const ends = fitRow(left, gap + right, room);
  return [
    { text: mark.text, style: `${theme[status.tone ?? "accent"]};1;7`.replace(/^;/, "") },
    ...pieces(theme, [
      ["bar", ends.left],
      ["bar-dim", ends.right],
    ]),
  ].filter(({ text }) => text !== "");
}

/**
 * Draws the row of keys: global keys at the right, and as many keys of the current view as fit at
 * the left.
 */
export function keysRow(hints: KeyHints, columns: number, theme: Theme): Piece[] {
  const { left, right, gap } = placedHints(hints, columns);
  const between = " ".repeat(gap);
  const row = (hints: readonly KeyHint[]) =>
    hints.flatMap(({ key, text }, index) => [
      { text: index > 0 ? GAP : "", style: "" },
      { text: key, style: theme.key },
      { text: ` ${text}`, style: theme.dim },
    ]);
  return [{ text: " ", style: "" }, ...row(left.hints), { text: between, style: "" }, ...row(right.hints)].filter(
    ({ text }) => text !== "",
  );
}

/** Returns the hint in this column; undefined if there is none. */
export function hintAt(hints: KeyHints, columns: number, column: number): KeyHint | undefined {
  const { left, right, gap } = placedHints(hints, columns);
  const within = (all: readonly KeyHint[], from: number) => {
    let start = from;
    return all.find((hint) => {
      const end = start + hintWidth(hint);
      const isHit = column >= start && column < end;
      start = end + GAP.length;
      return isHit;
    });
  };
  return within(left.hints, 1) ?? within(right.hints, 1 + left.width + gap);
}

/** Returns the hints that fit at both ends, and the number of columns between them. */
function placedHints({ here, everywhere }: KeyHints, columns: number) {
  const right = fitting(everywhere, columns - 2);
  const left = fitting(here, columns - 2 - right.width - (right.width > 0 ? GAP.length : 0));
  return { left, right, gap: Math.max(0, columns - 2 - left.width - right.width) };
}

function hintWidth({ key, text }: KeyHint): number {
  return textWidth(key) + 1 + textWidth(text);
}

const GAP = "  ";

/** Returns the first hints that fit side by side. */
function fitting(all: readonly KeyHint[], columns: number): { hints: readonly KeyHint[]; width: number } {
  let width = 0;
  let count = 0;
  for (const hint of all) {
    const more = (count > 0 ? GAP.length : 0) + hintWidth(hint);
    if (width + more > columns) break;
    width += more;
    count++;
  }
  return { hints: all.slice(0, count), width };
}

/**
 * Draws the prompt: its label, the line with the character under the cursor reversed, and the hint.
 * For a long line, shows the part around the cursor.
 */
export function promptRow(prompt: ShownPrompt, columns: number, theme: Theme): Piece[] {
  const { label, before, under, after, hint } = promptParts(prompt, columns);
  return [
    { text: label, style: theme.key },
    { text: before, style: "" },
    { text: under, style: "7" },
    { text: after, style: "" },
    { text: hint, style: theme.dim },
  ].filter(({ text }) => text !== "");
}

function promptParts(
  prompt: ShownPrompt,
  columns: number,
): { label: string; before: string; under: string; after: string; hint: string } {
  const label = clipText(prompt.label, columns).text;
  const room = Math.max(1, columns - 3 - textWidth(label));
  // Processes only the part that may be visible: the user may paste a whole log.
  const shown = (from: number, to: number) =>
    prompt.characters.slice(from, to).map((character) => sanitiseText(character));
  const { cursor } = prompt;
  let before = "";
  let left = room;
  for (const character of shown(Math.max(0, cursor - room), cursor).reverse()) {
    const width = textWidth(character);
    if (width > left) break;
    before = character + before;
    left -= width;
  }
  const [under = " "] = shown(cursor, cursor + 1);
  const after = clipText(shown(cursor + 1, cursor + 2 + left).join(""), left);
  const hint = prompt.hint ? clipText(`  ${prompt.hint}`, Math.max(0, left - after.width)).text : "";
  return { label, before, under, after: after.text, hint };
}

function pieces(theme: Theme, parts: readonly (readonly [ThemePart, string])[]): Piece[] {
  return parts.filter(([, text]) => text !== "").map(([part, text]) => ({ text, style: theme[part] }));
}

/**
 * Fits both ends into a row. Without enough room, omits the right end first; pads the left end up
 * to the right one.
 */
function fitRow(left: string, right: string, columns: number): { left: string; right: string } {
  const shownRight = textWidth(right) <= columns - LEFT_MINIMUM ? right : "";
  const room = Math.max(0, columns - textWidth(shownRight));
  const shownLeft = clipText(left, room).text;
  return { left: shownLeft + " ".repeat(room - textWidth(shownLeft)), right: shownRight };
}
