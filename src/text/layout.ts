import { clusters, isSafe, showCluster } from "./sanitise.ts";
import { applySgr, dressed, type Look, PLAIN, SGR, type Style, sgrFor } from "./sgr.ts";
import { clusterWidth } from "./width.ts";

const TAB = 8;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** ASCII, and letters that are a character each and join nothing: Latin, Greek, Cyrillic, kana, ideographs, Hangul syllables. */
const SIMPLE =
  /^[\x00-\x7f\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u3001-\u3029\u3030-\u3096\u30a0-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
const RUN_OR_CHARACTER = /[\x20-\x7e]+|[^\x20-\x7e]/g;

/** How {@link layoutRow} lays out a row. */
export interface LayoutOptions {
  /** Columns to skip at the left (horizontal scroll). */
  left: number;
  /** Columns of the screen. */
  width: number;
  /** `pass` sends colours on, `drop` leaves them out (NO_COLOR). */
  colours: "pass" | "drop";
  /** Ranges of string indices with a look of their own, ascending and not overlapping. */
  marks: readonly Mark[];
  /** Takes the last column of a row that goes on: one printable column, with SGR around it if wanted. Nothing by default. */
  more?: string;
}

/** A part of a row that is shown in another way, such as a match of a search. */
export interface Mark {
  start: number;
  end: number;
  /** Reverse video by default. */
  look?: Look | undefined;
}

/** One row of a screen, ready to be written. */
export interface Row {
  /** What to send: printable text, and SGR sequences that leave the terminal in its plain style. */
  text: string;
  /** True when the line goes on to the right of the screen. */
  clipped: boolean;
}

/**
 * Lays one line of decoded text out as one row: control characters shown, tabs expanded, cut to the screen's columns. Nothing but printable
 * characters and SGR colours that this function writes itself ever comes out.
 */
export function layoutRow(text: string, options: LayoutOptions): Row {
  const { left, width, marks } = options;
  if (marks.length === 0 && text.length <= left + width && PRINTABLE_ASCII.test(text))
    return { text: text.slice(left), clipped: false };
  const painter = new Painter(options);
  paintText(text, options, painter);
  return { text: painter.finish(), clipped: painter.full };
}

/** Lays one line out as as many rows as it takes. Rows as {@link layoutRow} makes them; at least one. */
export function layoutRows(text: string, options: Pick<LayoutOptions, "width" | "colours" | "marks">): string[] {
  const { width, marks } = options;
  if (marks.length === 0 && PRINTABLE_ASCII.test(text)) {
    if (text.length <= width) return [text];
    const rows: string[] = [];
    for (let at = 0; at < text.length; at += width) rows.push(text.slice(at, at + width));
    return rows;
  }
  const painter = new RowsPainter(width);
  paintText(text, options, painter);
  return painter.finish();
}

/** Where text is drawn, from left to right. */
interface Surface {
  /** Columns that were drawn or passed. */
  readonly column: number;
  /** Nothing that comes now will be seen. */
  readonly full: boolean;
  /** A run of characters that are one column wide. */
  putAscii(run: string, style: Style): void;
  put(cluster: string, width: number, style: Style): void;
}

function paintText(text: string, { colours, marks }: Pick<LayoutOptions, "colours" | "marks">, surface: Surface): void {
  let style = PLAIN;
  let mark = 0;
  for (const { piece, at } of pieces(text)) {
    if (surface.full) break;
    if (piece.startsWith("\x1b[") && piece.length > 1) {
      if (colours === "pass") style = applySgr(style, piece.slice(2, -1));
      continue;
    }
    // A run of ASCII is split where marks begin and end; anything else is one cluster.
    const run = isPrintable(piece.charCodeAt(0)) && isPrintable(piece.charCodeAt(piece.length - 1));
    for (let from = 0; from < piece.length; ) {
      while ((marks[mark]?.end ?? Number.POSITIVE_INFINITY) <= at + from) mark++;
      const { start, end, look: wanted } = marks[mark] ?? NO_MARK;
      const marked = start <= at + from;
      const to = run ? Math.min(piece.length, (marked ? end : start) - at) : piece.length;
      const look = marked ? dressed(style, wanted) : style;
      if (run) surface.putAscii(from === 0 && to === piece.length ? piece : piece.slice(from, to), look);
      else putCluster(surface, piece, look);
      from = to;
    }
  }
}

const DIM: Look = { attributes: [2] };

const NO_MARK: Mark = { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };

function putCluster(surface: Surface, cluster: string, style: Style): void {
  if (cluster === "\t") surface.putAscii(" ".repeat(TAB - (surface.column % TAB)), style);
  else if (isSafe(cluster)) surface.put(cluster, clusterWidth(cluster), style);
  else surface.putAscii(showCluster(cluster), dimmed(style));
}

/** One style for all that follow each other in it, as in a row of NULs: what draws compares them. */
function dimmed(style: Style): Style {
  if (lastDimmed.of !== style) lastDimmed = { of: style, is: dressed(style, DIM) };
  return lastDimmed.is;
}

let lastDimmed = { of: PLAIN, is: dressed(PLAIN, DIM) };

/**
 * Runs of printable ASCII, single clusters of anything else, and SGR sequences, with their string index. Only where a character might join the one
 * before it does a run have to be taken apart by clusters.
 */
function* pieces(text: string): Generator<{ piece: string; at: number }> {
  const simple = SIMPLE.test(text);
  for (let at = 0; at < text.length; ) {
    const introducer = text.indexOf("\x1b", at);
    const end = introducer === -1 ? text.length : introducer;
    if (simple) {
      for (const [piece] of text.slice(at, end).matchAll(RUN_OR_CHARACTER)) {
        yield { piece, at };
        at += piece.length;
      }
    } else {
      for (const piece of clusters(text.slice(at, end))) {
        yield { piece, at };
        at += piece.length;
      }
    }
    if (introducer === -1) return;
    SGR.lastIndex = introducer;
    const piece = SGR.exec(text)?.[0] ?? "\x1b";
    yield { piece, at: introducer };
    at = introducer + piece.length;
  }
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}

/**
 * Collects what falls between the left column and the width, with style changes only where the look changes. What stands in the last column is kept
 * apart, for the sign that the line goes on takes its place.
 */
class Painter implements Surface {
  column = 0;
  full = false;
  readonly #left: number;
  readonly #right: number;
  /** First column that is kept apart. */
  readonly #edge: number;
  readonly #more: string;
  #text = "";
  #drawn = PLAIN;
  #textEnd: number;
  #last: { cluster: string; style: Style } | undefined;

  constructor({ left, width, more = "" }: LayoutOptions) {
    this.#left = left;
    this.#right = left + width;
    this.#edge = more === "" || width < 2 ? this.#right : this.#right - 1;
    this.#more = width < 2 ? "" : more;
    this.#textEnd = left;
  }

  /** A run of characters that are one column wide. */
  putAscii(run: string, style: Style): void {
    const start = this.column;
    const from = Math.max(0, this.#left - start);
    const to = Math.min(run.length, this.#edge - start);
    this.column += run.length;
    if (from < to) this.#draw(from === 0 && to === run.length ? run : run.slice(from, to), start + to, style);
    if (start <= this.#edge && this.column > this.#edge && this.#edge < this.#right)
      this.#last = { cluster: run.charAt(this.#edge - start), style };
    if (this.column > this.#right) this.full = true;
  }

  put(cluster: string, width: number, style: Style): void {
    const start = this.column;
    this.column += width;
    if (this.column <= this.#left) return;
    if (this.column > this.#right) this.full = true;
    // A wide character that the left edge cuts leaves its visible half blank.
    else if (start < this.#left) this.#draw(" ".repeat(this.column - this.#left), this.column, style);
    else if (this.column > this.#edge) this.#last = { cluster, style };
    else this.#draw(cluster, this.column, style);
  }

  finish(): string {
    if (this.full && this.#more !== "") {
      this.#look(PLAIN);
      return this.#text + " ".repeat(this.#edge - this.#textEnd) + this.#more;
    }
    if (this.#last) this.#draw(this.#last.cluster, this.column, this.#last.style);
    this.#look(PLAIN);
    return this.#text;
  }

  #draw(text: string, end: number, style: Style): void {
    this.#look(style);
    this.#text += text;
    this.#textEnd = end;
  }

  #look(style: Style): void {
    if (style === this.#drawn) return;
    const sequence = sgrFor(style);
    if (sequence !== sgrFor(this.#drawn)) this.#text += sequence;
    this.#drawn = style;
  }
}

/** Goes on in the next row where one is full. A wide character is not divided. */
class RowsPainter implements Surface {
  readonly full = false;
  readonly #width: number;
  readonly #rows: string[] = [];
  #text = "";
  #used = 0;
  #drawn = PLAIN;

  constructor(width: number) {
    this.#width = Math.max(1, width);
  }

  get column(): number {
    return this.#rows.length * this.#width + this.#used;
  }

  putAscii(run: string, style: Style): void {
    for (let at = 0; at < run.length; ) {
      if (this.#used >= this.#width) this.#break();
      const part = run.slice(at, at + this.#width - this.#used);
      this.#draw(part, part.length, style);
      at += part.length;
    }
  }

  put(cluster: string, width: number, style: Style): void {
    if (this.#used > 0 && this.#used + width > this.#width) this.#break();
    // Not even a row of its own has room for it.
    if (width > this.#width) this.#draw("?", 1, style);
    else this.#draw(cluster, width, style);
  }

  finish(): string[] {
    this.#break();
    return this.#rows;
  }

  #draw(text: string, width: number, style: Style): void {
    this.#look(style);
    this.#text += text;
    this.#used += width;
  }

  #break(): void {
    this.#look(PLAIN);
    this.#rows.push(this.#text);
    this.#text = "";
    this.#used = 0;
  }

  #look(style: Style): void {
    if (style === this.#drawn) return;
    const sequence = sgrFor(style);
    if (sequence !== sgrFor(this.#drawn)) this.#text += sequence;
    this.#drawn = style;
  }
}
