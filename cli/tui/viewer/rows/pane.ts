import {
  boundaryAs,
  decodeAs,
  type FoldedLines,
  isFolded,
  layoutRow,
  type Mark,
  type Note,
  overlay,
  type Position,
  type StyleOverlay,
  scratchFor,
  WrappedLine,
  wrapText,
} from "../../../../src/text/index.ts";
import type { Highlight } from "../../canvas/highlight.ts";
import { type JsonView, type LevelLooks, type LineText, lineTexts } from "../../canvas/line-text.ts";
import { textWidth } from "../../canvas/text-width.ts";
import type { DocumentLines } from "../document/document-lines.ts";

export interface PaneView {
  left: number;
  width: number;
  colours: "pass" | "drop";
  wrap: boolean;
  json: JsonView;
  /** The lines that `json` applies to; undefined if it is raw. */
  folded: FoldedLines | undefined;
  /** Styles of levels; undefined shows levels without colour. */
  levels: LevelLooks | undefined;
  /** Matches that are shown in reverse video. */
  highlight: Highlight | undefined;
}

/** Bytes of a line in which a match is shown by scrolling sideways. More would delay the key. */
const MATCH_BYTES = 1 << 18;

/** Marks a truncated row in its last column; dim, so that it is not taken for text. */
const CLIPPED = "\x1b[0;2m>\x1b[m";

/**
 * Bytes per column that are decoded first for a row. More are decoded only if the text needs them.
 */
const BYTES_PER_COLUMN = 4;

/** Maximum bytes of a line that is parsed as JSON. */
const MAX_JSON = 256 * 1024;

/** Rows that are cached in addition to the visible ones. */
const KEPT_ROWS = 20_000;

/** Minimum bytes of a long line. Only its visible rows, and some around them, are laid out. */
const LONG = 64 * 1024;
const ROWS_AROUND = 100;
/** Number of long lines whose text is cached: a screen shows one or two. */
const KEPT_LONG = 3;

const DIM: StyleOverlay = { attributes: [2] };

interface LaidOut {
  /** End of the line's text at the time of the layout: the last line of a growing file changes. */
  textEnd: number;
  /** Index of the first row in `rows` among the rows of the line. */
  first: number;
  rows: readonly string[];
  /** Number of rows of the line. */
  count: number;
}

/** Rows to lay out: `from` to `to` of a line, both included. */
interface RowRange {
  line: number;
  textEnd: number;
  from: number;
  to: number;
}

/** Lays out lines as rows of the screen. Each line is laid out once per view. */
export class Pane {
  readonly #document: DocumentLines;
  #laidOut = new Map<number, LaidOut>();
  /** Number of rows of lines without a layout. */
  #counts = new Map<number, { textEnd: number; rows: number }>();
  readonly #long = new Map<number, { textEnd: number; wrapped: WrappedLine }>();
  #kept = 0;
  #view: PaneView;

  constructor(document: DocumentLines, view: PaneView) {
    this.#document = document;
    this.#view = view;
  }

  /** Sets another view of the same lines. */
  show(view: PaneView): void {
    if (sameView(this.#view, view)) return;
    if (!sameShape(this.#view, view)) this.#forgetShapes();
    this.#view = view;
    this.#forgetRows();
  }

  /** Discards all layouts, because the bytes were replaced. */
  clear(): void {
    this.#forgetShapes();
    this.#forgetRows();
  }

  get width(): number {
    return this.#view.width;
  }

  /** True if each line is one row. */
  get isFlat(): boolean {
    return !this.#view.wrap && this.#view.json !== "unfolded";
  }

  /** Number of rows of the line. */
  rowsIn(line: number): number {
    if (this.isFlat) return 1;
    const textEnd = this.#document.lines.textEnd(line);
    const laidOut = this.#laidOut.get(line);
    if (laidOut?.textEnd === textEnd) return laidOut.count;
    const known = this.#counts.get(line);
    if (known?.textEnd === textEnd) return known.rows;
    const long = this.#longLine(line, textEnd);
    const rows = long ? long.count : this.#layOut(this.#texts(line, textEnd), []).length;
    if (this.#counts.size > KEPT_ROWS) this.#counts.clear();
    this.#counts.set(line, { textEnd, rows });
    return rows;
  }

  /** Index of the line's row with the match; 0 if unknown. */
  rowOfMatch(line: number): number {
    if (this.isFlat) return 0;
    const { wrap, width, colours } = this.#view;
    const text = this.#texts(line, this.#document.lines.textEnd(line));
    const [marks] = this.#highlight([text]);
    const rowsOf = (part: string) => (wrap ? new WrappedLine(part, { width, colours }).count : 1);
    let row = 0;
    for (const [index, part] of text.parts.entries()) {
      const [mark] = marks?.[index] ?? [];
      if (mark) return row + rowsOf(part.text.slice(0, mark.start + 1)) - 1;
      row += rowsOf(part.text);
    }
    return 0;
  }

  /**
   * Returns the columns of a line's first match: the first one, and the one after the last.
   * Undefined if it is not in the first {@link MATCH_BYTES}.
   */
  columnsOfMatch(line: number): { from: number; to: number } | undefined {
    const { cache, encoding } = this.#document;
    const end = Math.min(this.#document.lines.textEnd(line), line + MATCH_BYTES);
    const { json, folded, levels } = this.#view;
    const bytes = cache.view(line, end);
    const isRaw = folded !== undefined && !isFolded(bytes, folded);
    const parts = lineTexts(decodeAs(bytes, encoding), isRaw ? "raw" : json, levels);
    const [marks] = this.#highlight([{ parts, isCut: false }]);
    for (const [index, { text }] of parts.entries()) {
      const [mark] = marks?.[index] ?? [];
      if (mark) return { from: columnsOf(text.slice(0, mark.start)), to: columnsOf(text.slice(0, mark.end)) };
    }
    return undefined;
  }

  /**
   * Returns the rows at `positions`. `isAside`: lines that are dimmed. `notes`: lines that porthole
   * added.
   */
  rows(positions: readonly Position[], notes: readonly Note[], isAside: (line: number) => boolean): string[] {
    const missing = this.#wanted(positions).filter(({ line, textEnd, from, to }) => {
      const known = this.#laidOut.get(line);
      if (known?.textEnd !== textEnd) return true;
      return from < known.first || Math.min(to, known.count - 1) >= known.first + known.rows.length;
    });
    // Decodes all texts together: see withDeadline.
    const texts = missing.map(({ line, textEnd }) => this.#texts(line, textEnd));
    const marks = this.#highlight(texts);
    missing.forEach((wanted, index) => {
      const { line, textEnd } = wanted;
      const text = texts[index] ?? { parts: [], isCut: false };
      const note = notes.find(({ at, end }) => line >= at && line < end);
      const rows = note
        ? whole([noteRow(text.parts[0]?.text ?? "", this.#view)])
        : this.#rowsOf(wanted, isAside(line) ? dimmed(text) : text, marks[index] ?? []);
      this.#keep(line, { textEnd, ...rows });
    });
    const rows = positions.map(({ line, row }) => {
      const known = this.#laidOut.get(line);
      return known?.rows[row - known.first] ?? "";
    });
    if (this.#kept > KEPT_ROWS) this.#forgetRows();
    return rows;
  }

  #wanted(positions: readonly Position[]): RowRange[] {
    const wanted = new Map<number, RowRange>();
    for (const { line, row } of positions) {
      const known = wanted.get(line);
      if (known) known.to = row;
      else wanted.set(line, { line, textEnd: this.#document.lines.textEnd(line), from: row, to: row });
    }
    return [...wanted.values()];
  }

  #rowsOf({ line, textEnd, from, to }: RowRange, text: Text, highlights: readonly Mark[][]): Omit<LaidOut, "textEnd"> {
    const long = this.#longLine(line, textEnd);
    if (!long) return whole(this.#layOut(text, highlights));
    const first = Math.max(0, from - ROWS_AROUND);
    const marks = this.#marksOf(text.parts[0]?.marks ?? [], highlights[0] ?? []);
    return { first, rows: long.rows(first, to + 1 + ROWS_AROUND, marks), count: long.count };
  }

  /**
   * Returns a wrapped line with the starts of its rows, if the line is too long to lay out
   * completely.
   */
  #longLine(line: number, textEnd: number): WrappedLine | undefined {
    const { wrap, width, colours, json } = this.#view;
    if (!wrap || textEnd - line <= LONG) return undefined;
    const known = this.#long.get(line);
    if (known?.textEnd === textEnd) return known.wrapped;
    if (json !== "raw" && textEnd - line <= MAX_JSON) return undefined;
    const [part] = this.#texts(line, textEnd).parts;
    const wrapped = new WrappedLine(part?.text ?? "", { width, colours });
    this.#long.delete(line);
    this.#long.set(line, { textEnd, wrapped });
    if (this.#long.size > KEPT_LONG) this.#long.delete(this.#long.keys().next().value ?? line);
    return wrapped;
  }

  #keep(line: number, laidOut: LaidOut): void {
    this.#kept += laidOut.rows.length - (this.#laidOut.get(line)?.rows.length ?? 0);
    this.#laidOut.set(line, laidOut);
  }

  #forgetShapes(): void {
    this.#counts.clear();
    this.#long.clear();
  }

  #forgetRows(): void {
    this.#laidOut.clear();
    this.#kept = 0;
  }

  /** Decodes a long line from its beginning, up to its last visible column. */
  #texts(line: number, textEnd: number): Text {
    const { left, width, wrap, json, folded, levels } = this.#view;
    const long = this.#long.get(line);
    if (long?.textEnd === textEnd) return { parts: lineTexts(long.wrapped.text, "raw", levels), isCut: false };
    const { cache, encoding, mark } = this.#document;
    const from = line === 0 ? Math.min(mark, textEnd) : line;
    const length = textEnd - from;
    const wantsAll = wrap || (json !== "raw" && length <= MAX_JSON);
    for (let want = (left + width) * BYTES_PER_COLUMN + 256; ; want *= 4) {
      const isCut = !wantsAll && want < length;
      const isLong = !isCut && length > LONG;
      const to = from + (isCut ? want : length);
      let bytes = isLong ? cache.slice(from, to, scratchFor(length)) : cache.view(from, to);
      if (isCut) bytes = bytes.subarray(0, boundaryAs(bytes, bytes.length, encoding));
      const text = decodeAs(bytes, encoding);
      // Escape sequences take no columns, so the decoded text may be too short.
      if (isCut && !layoutRow(text, { left, width, colours: "drop", marks: [] }).clipped) continue;
      const isRaw = isCut || (folded !== undefined && !isFolded(bytes, folded));
      return { parts: lineTexts(text, isRaw ? "raw" : json, levels), isCut };
    }
  }

  #highlight(texts: readonly Text[]): Mark[][][] {
    const { highlight } = this.#view;
    if (!highlight) return texts.map(() => []);
    const flat = texts.flatMap(({ parts, isCut }) => parts.map(({ text }) => ({ text, isCut })));
    const marks = highlight.marksIn(flat);
    let at = 0;
    return texts.map(({ parts }) => parts.map(() => marks[at++] ?? []));
  }

  #layOut({ parts }: Text, highlights: readonly Mark[][]): string[] {
    const { left, width, colours, wrap } = this.#view;
    return parts.flatMap(({ text, marks: looks }, index) => {
      const marks = this.#marksOf(looks, highlights[index] ?? []);
      if (wrap) return wrapText(text, { width, colours, marks });
      return [layoutRow(text, { left, width, colours, marks, more: CLIPPED }).text];
    });
  }

  #marksOf(looks: readonly Mark[], highlights: readonly Mark[]): Mark[] {
    return overlay(this.#view.colours === "drop" ? withoutColours(looks) : looks, highlights);
  }
}

interface Text {
  parts: readonly LineText[];
  isCut: boolean;
}

function whole(rows: readonly string[]): Omit<LaidOut, "textEnd"> {
  return { first: 0, rows, count: rows.length };
}

function withoutColours(marks: readonly Mark[]): Mark[] {
  return marks.map(({ start, end, look }) => ({ start, end, look: { attributes: look?.attributes ?? [] } }));
}

function dimmed(text: Text): Text {
  return {
    ...text,
    parts: text.parts.map((part) => ({ text: part.text, marks: [{ start: 0, end: part.text.length, look: DIM }] })),
  };
}

/** Returns a row that is not in any file, marked by a rule. */
function noteRow(text: string, { width }: PaneView): string {
  const shown = layoutRow(`── ${text} `, { left: 0, width, colours: "drop", marks: [] }).text;
  return `\x1b[0;1m${shown}\x1b[0;2m${"─".repeat(Math.max(0, width - shown.length))}\x1b[m`;
}

function sameView(a: PaneView, b: PaneView): boolean {
  return sameShape(a, b) && a.left === b.left && a.levels === b.levels && a.highlight === b.highlight;
}

/** True if lines have the same number of rows in both views. */
function sameShape(a: PaneView, b: PaneView): boolean {
  return (
    a.width === b.width && a.colours === b.colours && a.wrap === b.wrap && a.json === b.json && a.folded === b.folded
  );
}

function columnsOf(text: string): number {
  return textWidth(layoutRow(text, { left: 0, width: 8 * text.length + 1, colours: "drop", marks: [] }).text);
}
