import { clusters, isSafe, showCluster } from "./sanitise.ts";
import { applySgr, PLAIN, reversed, SGR, type Style, sgrFor } from "./sgr.ts";
import { clusterWidth } from "./width.ts";

const TAB = 8;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const ASCII = /^[\x00-\x7f]*$/;

export interface LayoutOptions {
  /** Columns to skip at the left (horizontal scroll). */
  left: number;
  /** Columns of the screen. */
  width: number;
  /** `pass` sends colours on, `drop` leaves them out (NO_COLOR). */
  colours: "pass" | "drop";
  /** Ranges of string indices to show in reverse video, ascending and not overlapping. */
  marks: readonly Mark[];
}

export interface Mark {
  start: number;
  end: number;
}

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
  if (marks.length === 0 && PRINTABLE_ASCII.test(text))
    return { text: text.slice(left, left + width), clipped: text.length > left + width };
  const painter = new Painter(left, width);
  let style = PLAIN;
  let mark = 0;
  for (const { cluster, at } of pieces(text)) {
    if (cluster.startsWith("\x1b[") && cluster.length > 1) {
      if (options.colours === "pass") style = applySgr(style, cluster.slice(2, -1));
      continue;
    }
    while ((marks[mark]?.end ?? Number.POSITIVE_INFINITY) <= at) mark++;
    const marked = (marks[mark]?.start ?? Number.POSITIVE_INFINITY) <= at;
    const look = marked ? reversed(style) : style;
    if (cluster === "\t") {
      for (let column = painter.column % TAB; column < TAB; column++) painter.put(" ", 1, look);
    } else if (isSafe(cluster)) {
      painter.put(cluster, clusterWidth(cluster), look);
    } else {
      for (const character of showCluster(cluster))
        painter.put(character, 1, { ...look, attributes: [...look.attributes, 2] });
    }
    if (painter.full) break;
  }
  return { text: painter.finish(), clipped: painter.full };
}

/** Clusters with their string index; an SGR sequence comes as one piece. */
function* pieces(text: string): Generator<{ cluster: string; at: number }> {
  const simple = ASCII.test(text);
  for (let at = 0; at < text.length; ) {
    const introducer = text.indexOf("\x1b", at);
    const end = introducer === -1 ? text.length : introducer;
    for (const cluster of simple ? text.slice(at, end) : clusters(text.slice(at, end))) {
      yield { cluster, at };
      at += cluster.length;
    }
    if (introducer === -1) return;
    SGR.lastIndex = introducer;
    const sequence = SGR.exec(text)?.[0] ?? "\x1b";
    yield { cluster: sequence, at: introducer };
    at = introducer + sequence.length;
  }
}

/** Collects what falls between the left column and the width, with style changes only where the look changes. */
class Painter {
  column = 0;
  full = false;
  readonly #left: number;
  readonly #right: number;
  #text = "";
  #drawn = PLAIN;

  constructor(left: number, width: number) {
    this.#left = left;
    this.#right = left + width;
  }

  put(cluster: string, width: number, style: Style): void {
    const start = this.column;
    this.column += width;
    if (this.full || this.column <= this.#left) return;
    if (this.column > this.#right) {
      this.full = true;
      return;
    }
    // A wide character that the left edge cuts leaves its visible half blank.
    const visible = start < this.#left ? " ".repeat(this.column - this.#left) : cluster;
    this.#look(style);
    this.#text += visible;
  }

  finish(): string {
    this.#look(PLAIN);
    return this.#text;
  }

  #look(style: Style): void {
    if (style === this.#drawn) return;
    const sequence = sgrFor(style);
    if (sequence !== sgrFor(this.#drawn)) this.#text += sequence;
    this.#drawn = style;
  }
}
