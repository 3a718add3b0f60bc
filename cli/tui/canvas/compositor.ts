import { layoutRow } from "../../../src/text/index.ts";
import { changedParts, isPlain } from "./changed-parts.ts";
import { pinColumns } from "./pin-columns.ts";

const SYNC_BEGIN = "\x1b[?2026h";
const SYNC_END = "\x1b[?2026l";

/**
 * Matches a valid row: printable characters and SGR. Any other character is a bug of the caller.
 * The compositor makes it visible instead of sending it.
 */
const SAFE_ROW = /^(?:[^\x00-\x1f\x7f-\x9f]|\x1b\[[0-9;:]*m)*$/;

/**
 * Computes the fewest bytes that update the terminal to a new screen. It keeps a copy of the
 * terminal's content, and nothing else writes to the terminal. Each row is one line, laid out for
 * the width, and ends in the plain style.
 */
export class Compositor {
  #shown: readonly ScreenRow[] | undefined;

  /** Forgets the terminal's content (start, resize, resume): the next frame draws every row. */
  invalidate(): void {
    this.#shown = undefined;
  }

  /**
   * Returns the bytes that update the terminal from the previous frame; empty if the frames are
   * equal. Row 0 is the top of the screen. `edge` adds cells in one column; a row with a cell must
   * leave that column free.
   */
  frame(rows: readonly string[], edge?: Edge): string {
    const shown = this.#shown?.length === rows.length ? [...this.#shown] : undefined;
    let bytes = "";
    if (shown) {
      const scroll = findScroll(shown, rows);
      if (scroll) bytes += applyScroll(shown, scroll);
    }
    this.#shown = rows.map((text, index) => {
      const row = screenRow(text, shown?.[index], edge?.cells[index] ?? "", edge?.column ?? 0);
      bytes += drawRow(index, shown?.[index], row, index >= rows.length - STATUS_ROWS);
      return row;
    });
    return bytes === "" ? "" : SYNC_BEGIN + bytes + SYNC_END;
  }
}

/** Checks the text, unless it is the one that is shown. */
function screenRow(text: string, shown: ScreenRow | undefined, cell: string, column: number): ScreenRow {
  if (text === shown?.text) return { text, isPlain: shown.isPlain, cell, column };
  // Most rows are plain, which needs one quick search instead of several matches.
  if (isPlain(text)) return { text, isPlain: true, cell, column };
  return { text: safeRow(text), isPlain: false, cell, column };
}

function safeRow(row: string): string {
  return SAFE_ROW.test(row) ? row : layoutRow(row, { ...WHOLE_ROW, width: row.length * 8 }).text;
}

/** One column of cells. A cell is a character with SGR; an empty string means no cell. */
export interface Edge {
  column: number;
  cells: readonly string[];
}

interface ScreenRow {
  text: string;
  /** True for printable ASCII and SGR: each character is one column. */
  isPlain: boolean;
  /** The cell of the edge column in this row. */
  cell: string;
  column: number;
}

const BLANK: ScreenRow = { text: "", isPlain: true, cell: "", column: 0 };

const WHOLE_ROW = { left: 0, colours: "pass", marks: [] } as const;

/** Rows at the bottom that usually change by a few characters. */
const STATUS_ROWS = 2;

interface Scroll {
  /** First and last row of the region, both included. */
  top: number;
  bottom: number;
  /** Rows that the text moves up; down if negative. */
  by: number;
}

/**
 * Finds the scroll that saves the most rows. The region excludes unchanged rows at the top and
 * bottom. Scrolling needs fewer bytes than drawing only if at least half of the region stays.
 */
function findScroll(shownRows: readonly ScreenRow[], nextRows: readonly string[]): Scroll | undefined {
  let top = 0;
  while (top < nextRows.length && shownRows[top]?.text === nextRows[top]) top++;
  let bottom = nextRows.length - 1;
  while (bottom > top && shownRows[bottom]?.text === nextRows[bottom]) bottom--;
  // Numbers represent the texts, because they are compared many times. Cells of the edge are drawn
  // separately.
  const numbers = new Map(shownRows.map(({ text }, index) => [text, index]));
  const shown = shownRows.map(({ text }, index) => numbers.get(text) ?? index);
  const next = nextRows.map((text) => numbers.get(text) ?? -1);
  // Another page has too few rows of the shown one.
  if (2 * next.slice(top, bottom + 1).filter((row) => row >= 0).length < bottom - top) return undefined;
  // The status row changes with every step and does not scroll: first try the region without it.
  let best: Scroll | undefined;
  let mostKept = 0;
  for (const last of [bottom - 1, bottom]) {
    const height = last - top + 1;
    for (let by = 1; by <= height / 2; by++) {
      for (const signed of [by, -by]) {
        const saved = countKept(shown, next, { top, bottom: last, by: signed });
        if (saved > mostKept && saved * 2 >= height) {
          mostKept = saved;
          best = { top, bottom: last, by: signed };
        }
      }
      if (mostKept >= height - by) break;
    }
  }
  return mostKept > 1 ? best : undefined;
}

/** Number of rows that are correct after the scroll. */
function countKept(shown: readonly number[], next: readonly number[], { top, bottom, by }: Scroll): number {
  let kept = 0;
  for (let row = Math.max(top, top - by); row <= Math.min(bottom, bottom - by); row++) {
    if (next[row] === shown[row + by]) kept++;
  }
  return kept;
}

/**
 * DECSTBM, then SU or SD, then the whole screen as the region again. Updates `shown` to the
 * terminal's content afterwards.
 */
function applyScroll(shown: ScreenRow[], { top, bottom, by }: Scroll): string {
  const region = shown.slice(top, bottom + 1);
  region.forEach((_, index) => {
    shown[top + index] = region[index + by] ?? BLANK;
  });
  return `\x1b[${top + 1};${bottom + 1}r\x1b[${Math.abs(by)}${by > 0 ? "S" : "T"}\x1b[r`;
}

/** Erases first: after a row of full width, the cursor would be on its last character. */
function drawRow(index: number, shown: ScreenRow | undefined, row: ScreenRow, isStatus: boolean): string {
  const hasCell = shown?.cell === row.cell && (row.cell === "" || shown.column === row.column);
  const cellAt = ({ column }: ScreenRow, cell: string) => `\x1b[${index + 1};${column + 1}H${cell}`;
  if (shown?.text === row.text) {
    if (hasCell) return "";
    const erased = shown.cell !== "" && (row.cell === "" || shown.column !== row.column) ? cellAt(shown, " ") : "";
    return erased + (row.cell === "" ? "" : cellAt(row, row.cell));
  }
  const drawn = drawText(index, hasCell ? shown : undefined, row, isStatus);
  return drawn + (row.cell === "" ? "" : cellAt(row, row.cell));
}

function drawText(index: number, shown: ScreenRow | undefined, row: ScreenRow, isStatus: boolean): string {
  const isWorth = shown !== undefined && (isStatus || isAlike(shown.text, row.text));
  const changes = isWorth ? changedParts(shown.text, row.text, shown.isPlain && row.isPlain) : undefined;
  if (!changes) return `\x1b[${index + 1};1H\x1b[K${row.isPlain ? row.text : pinColumns(row.text)}`;
  return changes.map(({ column, text }) => `\x1b[${index + 1};${column + 1}H${text}`).join("");
}

/**
 * A row is compared with the shown one if it is at most this long, or shares this many characters at
 * its start or end. Other rows are redrawn: comparing them saves too few bytes.
 */
const WORTH_COMPARING = 16;

function isAlike(shown: string, row: string): boolean {
  if (row.length <= WORTH_COMPARING) return true;
  const begins = shown.slice(0, WORTH_COMPARING) === row.slice(0, WORTH_COMPARING);
  return begins || shown.slice(-WORTH_COMPARING) === row.slice(-WORTH_COMPARING);
}
