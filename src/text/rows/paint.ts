import { hiddenSequenceAt } from "./hidden-sequences.ts";
import { clusters, isSafe, showCluster } from "./sanitise.ts";
import { applySgr, overlayStyle, PLAIN, type Style, type StyleOverlay } from "./sgr.ts";
import { clusterWidth } from "./width.ts";

const TAB = 8;

/** A range of a row with another look, such as a search match. */
export interface Mark {
  start: number;
  end: number;
  /** The look; by default reverse video. */
  look?: StyleOverlay | undefined;
}

/** Options of {@link paintText}. */
export interface PaintOptions {
  /** `pass` keeps colours, `drop` removes them (NO_COLOR). */
  colours: "pass" | "drop";
  /** Ranges of string indices, ascending without overlaps. */
  marks: readonly Mark[];
}

/** A drawing target, left to right. */
export interface PaintTarget {
  /** Columns drawn or skipped. */
  readonly column: number;
  /** True if further output is invisible. */
  readonly full: boolean;
  /** A run of characters of one column each. */
  putAscii(run: string, style: Style): void;
  put(cluster: string, width: number, style: Style): void;
  /** Reports that painting could also start at this index of the text, in this style. */
  passes?(at: number, style: Style): void;
}

/** A start of painting: an index of the text and its style, from {@link PaintTarget.passes}. */
export interface PaintStart {
  at: number;
  style: Style;
}

const BEGINNING: PaintStart = { at: 0, style: PLAIN };

/**
 * Draws a line of decoded text with control characters made visible and tabs expanded. The surface
 * gets only printable characters.
 */
export function paintText(
  text: string,
  { colours, marks }: PaintOptions,
  surface: PaintTarget,
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
    // Splits runs of ASCII or controls at marks. Any other piece is one cluster.
    const isRun = isOfRuns(code) && isOfRuns(piece.charCodeAt(piece.length - 1));
    for (let from = 0; from < piece.length; ) {
      while ((marks[mark]?.end ?? Number.POSITIVE_INFINITY) <= at + from) mark++;
      const { start, end, look: wanted } = marks[mark] ?? NO_MARK;
      const marked = start <= at + from;
      const to = isRun ? Math.min(piece.length, (marked ? end : start) - at) : piece.length;
      const look = marked ? overlayStyle(style, wanted) : style;
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
const DIM: StyleOverlay = { attributes: [2] };

function putCluster(surface: PaintTarget, cluster: string, style: Style): void {
  if (cluster === "\t") surface.putAscii(" ".repeat(TAB - (surface.column % TAB)), style);
  else if (isSafe(cluster)) surface.put(cluster, clusterWidth(cluster), style);
  else surface.putAscii(showCluster(cluster), dimmed(style));
}

/** Returns the same object for equal styles in sequence, because surfaces compare by identity. */
function dimmed(style: Style): Style {
  if (lastDimmed.of !== style) lastDimmed = { of: style, is: overlayStyle(style, DIM) };
  return lastDimmed.is;
}

let lastDimmed = { of: PLAIN, is: overlayStyle(PLAIN, DIM) };

/**
 * ASCII and letters that do not combine: Latin, Greek, Cyrillic, kana, ideographs, Hangul
 * syllables.
 */
const SIMPLE =
  /^[\x00-\x7f\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u3001-\u3029\u3030-\u3096\u30a0-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/;
/** Short runs let row counting record start positions within a long one. */
const RUN_OR_CHARACTER = /[\x20-\x7e]{1,4096}|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]{1,4096}|[^\x20-\x7e]/g;

/**
 * Runs of printable ASCII, runs of controls, single clusters, and invisible sequences, with their
 * string index. Segments into clusters only if a character may combine.
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
    const piece = hiddenSequenceAt(text, introducer) ?? "\x1b";
    yield { piece, at: introducer };
    at = introducer + piece.length;
  }
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}

/**
 * True for characters that {@link pieces} groups in runs: printable ASCII and controls except tab
 * and escape.
 */
function isOfRuns(code: number): boolean {
  return code <= 0x7f && code !== 0x09 && code !== ESCAPE;
}
