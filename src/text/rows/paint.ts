import { clusters, isSafe, showCluster } from "./sanitise.ts";
import { applySgr, dressed, type Look, PLAIN, type Style } from "./sgr.ts";
import { unseenAt } from "./unseen.ts";
import { clusterWidth } from "./width.ts";

const TAB = 8;

/** A part of a row that is shown in another way, such as a match of a search. */
export interface Mark {
  start: number;
  end: number;
  /** Reverse video by default. */
  look?: Look | undefined;
}

/** How {@link paintText} paints. */
export interface PaintOptions {
  /** `pass` sends colours on, `drop` leaves them out (NO_COLOR). */
  colours: "pass" | "drop";
  /** Ranges of string indices with a look of their own, ascending and not overlapping. */
  marks: readonly Mark[];
}

/** Where text is drawn, from left to right. */
export interface Surface {
  /** Columns that were drawn or passed. */
  readonly column: number;
  /** Nothing that comes now will be seen. */
  readonly full: boolean;
  /** A run of characters that are one column wide. */
  putAscii(run: string, style: Style): void;
  put(cluster: string, width: number, style: Style): void;
  /** Painting could begin here as well: at this index of the text, in this style. */
  passes?(at: number, style: Style): void;
}

/** Where painting begins: an index of the text and the style there, as {@link Surface.passes} was told. */
export interface PaintStart {
  at: number;
  style: Style;
}

const BEGINNING: PaintStart = { at: 0, style: PLAIN };

/** Draws one line of decoded text: control characters shown, tabs expanded. Nothing but printable characters ever comes to the surface. */
export function paintText(
  text: string,
  { colours, marks }: PaintOptions,
  surface: Surface,
  { at: begin, style: first } = BEGINNING,
): void {
  let style = first;
  let mark = 0;
  for (const { piece, at } of pieces(text, begin)) {
    if (surface.full) break;
    surface.passes?.(at, style);
    const code = piece.charCodeAt(0);
    if (code === ESCAPE && piece.length > 1) {
      if (colours === "pass" && piece.endsWith("m")) style = applySgr(style, piece.slice(2, -1));
      continue;
    }
    // A run of ASCII, or of controls, is split where marks begin and end; anything else is one cluster.
    const isRun = isOfRuns(code) && isOfRuns(piece.charCodeAt(piece.length - 1));
    for (let from = 0; from < piece.length; ) {
      while ((marks[mark]?.end ?? Number.POSITIVE_INFINITY) <= at + from) mark++;
      const { start, end, look: wanted } = marks[mark] ?? NO_MARK;
      const marked = start <= at + from;
      const to = isRun ? Math.min(piece.length, (marked ? end : start) - at) : piece.length;
      const look = marked ? dressed(style, wanted) : style;
      const part = from === 0 && to === piece.length ? piece : piece.slice(from, to);
      if (!isRun) putCluster(surface, piece, look);
      else if (isPrintable(code)) surface.putAscii(part, look);
      else surface.putAscii(showCluster(part), dimmed(look));
      from = to;
    }
  }
}

const ESCAPE = 0x1b;
const NO_MARK: Mark = { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY };
const DIM: Look = { attributes: [2] };

function putCluster(surface: Surface, cluster: string, style: Style): void {
  if (cluster === "\t") surface.putAscii(" ".repeat(TAB - (surface.column % TAB)), style);
  else if (isSafe(cluster)) surface.put(cluster, clusterWidth(cluster), style);
  else surface.putAscii(showCluster(cluster), dimmed(style));
}

/** One style for all that follow each other in it: what draws compares them. */
function dimmed(style: Style): Style {
  if (lastDimmed.of !== style) lastDimmed = { of: style, is: dressed(style, DIM) };
  return lastDimmed.is;
}

let lastDimmed = { of: PLAIN, is: dressed(PLAIN, DIM) };

/** ASCII, and letters that are a character each and join nothing: Latin, Greek, Cyrillic, kana, ideographs, Hangul syllables. */
const SIMPLE =
  /^[\x00-\x7f\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u3001-\u3029\u3030-\u3096\u30a0-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
/** Runs are short enough for what counts rows to remember places in a long one. */
const RUN_OR_CHARACTER = /[\x20-\x7e]{1,4096}|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]{1,4096}|[^\x20-\x7e]/g;

/**
 * Runs of printable ASCII, runs of controls, single clusters of anything else, and sequences that are not shown, with their string index. Only where a character might
 * join the one before it does a run have to be taken apart by clusters.
 */
function* pieces(text: string, begin: number): Generator<{ piece: string; at: number }> {
  const simple = SIMPLE.test(text);
  for (let at = begin; at < text.length; ) {
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
    const piece = unseenAt(text, introducer) ?? "\x1b";
    yield { piece, at: introducer };
    at = introducer + piece.length;
  }
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}

/** Of what {@link pieces} may give in runs: printable ASCII, and controls but tab and escape. */
function isOfRuns(code: number): boolean {
  return code <= 0x7f && code !== 0x09 && code !== ESCAPE;
}
