import { clusters, clusterWidth, sanitiseText } from "../../../src/text/index.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/**
 * Texts that are not plain ASCII, as they were made safe last: taking one apart into characters is
 * slow, and a list shows the same ones frame after frame.
 */
const known = new Map<string, { safe: string; width: number }>();
const MAX_KNOWN = 4096;

function made(text: string): { safe: string; width: number } {
  if (PRINTABLE_ASCII.test(text)) return { safe: text, width: text.length };
  const before = known.get(text);
  if (before) return before;
  const safe = sanitiseText(text);
  const result = { safe, width: textWidth(safe) };
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, result);
  return result;
}

/** Widths were estimated until now: see `loadWidths`. */
export function forgetWidths(): void {
  known.clear();
}

/** Columns that a text takes once it is made safe. */
export function safeWidth(text: string): number {
  return made(text).width;
}

/** Columns of a safe text. */
export function textWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const cluster of clusters(text)) width += clusterWidth(cluster);
  return width;
}

/** A text made safe and cut to `columns`; what is missing shows as an ellipsis. */
export function clipText(text: string, columns: number): { text: string; width: number } {
  const { safe, width } = made(text);
  if (width <= columns) return { text: safe, width };
  if (columns <= 0) return { text: "", width: 0 };
  let kept = "";
  let used = 0;
  for (const cluster of clusters(safe)) {
    const more = clusterWidth(cluster);
    if (used + more > columns - 1) break;
    kept += cluster;
    used += more;
  }
  return { text: `${kept}…`, width: used + 1 };
}

/** A text made safe whose start is cut off, with an ellipsis, so that its end fits. */
export function clipStart(text: string, columns: number): { text: string; width: number } {
  const { safe, width } = made(text);
  if (width <= columns) return { text: safe, width };
  if (columns <= 0) return { text: "", width: 0 };
  let kept = "";
  let used = 0;
  for (const cluster of [...clusters(safe)].reverse()) {
    const more = clusterWidth(cluster);
    if (used + more > columns - 1) break;
    kept = cluster + kept;
    used += more;
  }
  return { text: `…${kept}`, width: used + 1 };
}

/** A text made safe, cut or filled up to exactly `columns`. */
export function fitText(text: string, columns: number): string {
  const cut = clipText(text, columns);
  return cut.text + " ".repeat(Math.max(0, columns - cut.width));
}

/** A text made safe, in lines of at most `columns`, broken at blanks. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sanitiseText(text).split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer) > columns) {
      lines.push(clipText(line, columns).text);
      line = word;
    } else line = longer;
  }
  return [...lines, clipText(line, columns).text];
}
