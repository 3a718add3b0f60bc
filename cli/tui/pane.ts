import { characterBoundary, decodeText, type Lines, layoutRow, type Mark, type Pattern } from "../../src/text/index.ts";

export interface PaneView {
  left: number;
  width: number;
  height: number;
  colours: "pass" | "drop";
  /** Matches to show in reverse video. */
  pattern: Pattern | undefined;
}

/** A match of nothing, as `x*` gives at every place, is no mark; and a row shows no more marks than this. */
const MAX_MARKS = 1000;

/** Shown in the last column of a row that goes on; dim, so that it is not taken for text. */
const CLIPPED = "\x1b[0;2m>\x1b[m";

/** Bytes that are decoded at first for a row, for each column; more only when a row's text is not that plain. */
const BYTES_PER_COLUMN = 4;

interface CachedRow {
  /** Where the line's text ended when it was laid out: the last line of a growing file changes. */
  textEnd: number;
  text: string;
}

/** Lines as rows of the screen, each laid out once as long as the view is the same. Holds what is on the screen, not more. */
export class Pane {
  readonly #lines: Lines;
  #rows = new Map<number, CachedRow>();
  #view: PaneView | undefined;

  constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** The bytes were replaced: nothing that was laid out holds. */
  clear(): void {
    this.#rows.clear();
  }

  /** Exactly `view.height` rows for the lines at `offsets`; the rest stays empty. */
  rows(offsets: readonly number[], view: PaneView): string[] {
    if (!sameView(this.#view, view)) this.#rows.clear();
    this.#view = { ...view };
    const kept = new Map<number, CachedRow>();
    for (const offset of offsets) {
      const textEnd = this.#lines.textEnd(offset);
      const known = this.#rows.get(offset);
      kept.set(offset, known?.textEnd === textEnd ? known : { textEnd, text: this.#layOut(offset, textEnd, view) });
    }
    this.#rows = kept;
    const rows = [...kept.values()].map(({ text }) => text);
    while (rows.length < view.height) rows.push("");
    return rows;
  }

  /** Decodes no more of a long line than its visible columns need, starting from its beginning. */
  #layOut(offset: number, textEnd: number, view: PaneView): string {
    const length = textEnd - offset;
    for (let want = (view.left + view.width) * BYTES_PER_COLUMN + 256; ; want *= 4) {
      const partial = want < length;
      let bytes = this.#lines.cache.slice(offset, offset + Math.min(want, length));
      if (partial) bytes = bytes.subarray(0, characterBoundary(bytes, bytes.length));
      const text = decodeText(bytes);
      const row = layoutRow(text, { ...view, more: CLIPPED, marks: findMarks(text, view.pattern, partial) });
      if (!partial || row.clipped) return row.text;
    }
  }
}

/** Where the pattern matches. Of a line decoded in part, a match that touches the end is left out: it might not be one. */
function findMarks(text: string, pattern: Pattern | undefined, partial: boolean): Mark[] {
  const marks: Mark[] = [];
  if (!pattern) return marks;
  for (const match of text.matchAll(pattern.regex)) {
    const end = match.index + match[0].length;
    if (match[0] === "" || (partial && end === text.length)) continue;
    marks.push({ start: match.index, end });
    if (marks.length === MAX_MARKS) break;
  }
  return marks;
}

function sameView(a: PaneView | undefined, b: PaneView): boolean {
  return a?.left === b.left && a.width === b.width && a.colours === b.colours && a.pattern === b.pattern;
}
