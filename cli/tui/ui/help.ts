import type { KeyHint, KeyHints } from "../keymap/hints.ts";
import { type Action, CONTEXT_NAMES, type Context, KEYMAP, type Keymap, keyLabel } from "../keymap/keymap.ts";

/** A line of the help: keys and their action, or the title of a context. */
export interface HelpLine {
  keys: string;
  text: string;
}

/** A page of the help. */
export interface HelpPage {
  /** Columns of lines, side by side. */
  columns: readonly (readonly HelpLine[])[];
  /** Width of a line in terminal columns. */
  width: number;
  /** Index of the page, from 0. */
  page: number;
  pages: number;
}

/** Width of a line's keys, and of the gap between two columns of lines. */
export const HELP_KEYS_WIDTH = 16;
export const HELP_GAP = 2;

/** Width of a line in columns. The longest text fits. */
const WIDTH = 56;

/**
 * If the screen has fewer spare columns than this for each line, the help takes the whole width.
 */
const NARROW = 8;

/** Border and padding around the lines. */
const FRAME_ROWS = 2;
const FRAME_COLUMNS = 4;

/**
 * Lays out every key of `contexts`, of all views and of prompts in pages for a screen. A page
 * number beyond the last means the last page.
 */
export function helpPage(
  contexts: readonly Context[],
  size: { columns: number; height: number },
  page: number,
  keymap: Keymap = KEYMAP,
): HelpPage {
  const lines = helpLines(contexts, keymap);
  const full = inColumns(lines, Math.max(1, size.height - FRAME_ROWS));
  const room = size.columns - FRAME_COLUMNS + HELP_GAP;
  const beside = Math.min(full.length, Math.max(1, Math.floor(room / (WIDTH + HELP_GAP))));
  const most = Math.max(1, Math.floor(room / beside) - HELP_GAP);
  // Avoids a narrow strip of the view at both sides.
  const width = most - WIDTH < NARROW ? most : WIDTH;
  const all = beside === full.length ? balanced(lines, full.length) : full;
  const pages = Math.max(1, Math.ceil(all.length / beside));
  const at = Math.min(Math.max(0, page), pages - 1);
  return { columns: all.slice(at * beside, (at + 1) * beside), width, page: at, pages };
}

/** Width of a page with its frame. */
export function helpWidth({ columns, width }: HelpPage): number {
  return columns.length * (width + HELP_GAP) - HELP_GAP + FRAME_COLUMNS;
}

/**
 * Returns the effect of an action while the help is visible. It turns the page, or it closes the
 * help and has its usual effect.
 */
export function helpAction(page: number, action: Action): { page: number | undefined; isTaken: boolean } {
  if (/^(items-)?page-down$|^(line|item)-down$|^mark$/.test(action)) return { page: page + 1, isTaken: true };
  if (/^(items-)?page-up$|^(line|item)-up$/.test(action)) return { page: Math.max(0, page - 1), isTaken: true };
  return { page: undefined, isTaken: action === "cancel" || action === "help" || action === "back" };
}

/** The actions that go to the next page and to the previous one. */
export function turningActions(contexts: readonly Context[]): readonly [Context, Action][] {
  return contexts.includes("viewer")
    ? [
        ["viewer", "page-down"],
        ["viewer", "page-up"],
      ]
    : [
        ["list", "items-page-down"],
        ["list", "items-page-up"],
      ];
}

/** The keys of a help of this many pages, for the row of key hints. */
export function helpHints(contexts: readonly Context[], pages: number, keymap: Keymap = KEYMAP): KeyHints {
  const cancel: [Context, Action] = [contexts.includes("viewer") ? "viewer" : "list", "cancel"];
  const texts = ["next page", "previous page", "close"];
  const here = [...turningActions(contexts), cancel].flatMap(([context, action], index): KeyHint[] => {
    const key = keymap[context].find((binding) => binding.action === action)?.keys[0];
    const isUseless = pages === 1 && action !== "cancel";
    return key === undefined || isUseless ? [] : [{ key: keyLabel(key), text: texts[index] ?? "", press: key }];
  });
  return { here, everywhere: [] };
}

/** Divides lines into columns. Keeps a context's title out of the last row of a column. */
function inColumns(lines: readonly HelpLine[], height: number): HelpLine[][] {
  const columns: HelpLine[][] = [];
  for (let from = 0; from < lines.length; ) {
    let to = Math.min(from + height, lines.length);
    if (to < lines.length && to - from > 1 && lines[to - 1]?.keys === "") to--;
    columns.push(lines.slice(from, to));
    from = to;
  }
  return columns;
}

/** Divides lines into this number of columns of about the same height. */
function balanced(lines: readonly HelpLine[], count: number): HelpLine[][] {
  let height = Math.ceil(lines.length / count);
  while (inColumns(lines, height).length > count) height++;
  return inColumns(lines, height);
}

function helpLines(contexts: readonly Context[], keymap: Keymap): HelpLine[] {
  const taken = new Set<string>();
  return [...contexts, "global" as const, "prompt" as const].flatMap((context) => {
    // No other context overrides the keys of a prompt.
    if (context === "prompt") taken.clear();
    const lines = keymap[context].flatMap(({ keys, help }) => {
      // A narrower context may override some keys.
      const left = keys.filter((key) => !taken.has(key));
      return left.length === 0 ? [] : [{ keys: keysText(left), text: help }];
    });
    for (const { keys } of keymap[context]) for (const key of keys) taken.add(key);
    return lines.length === 0 ? [] : [{ keys: "", text: CONTEXT_NAMES[context] }, ...lines];
  });
}

/** Returns as many of the keys as fit in a line. */
function keysText(keys: readonly string[]): string {
  const labels = keys.map(keyLabel);
  while (labels.length > 1 && labels.join(" ").length > HELP_KEYS_WIDTH - HELP_GAP) labels.pop();
  return labels.join(" ");
}
