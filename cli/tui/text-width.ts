import { clusters, clusterWidth, sanitiseText } from "../../src/text/index.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** Columns that a text takes once it is made safe. */
export function safeWidth(text: string): number {
  return PRINTABLE_ASCII.test(text) ? text.length : textWidth(sanitiseText(text));
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
  const safe = sanitiseText(text);
  const width = textWidth(safe);
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

/** A text made safe, cut or filled up to exactly `columns`. */
export function fitText(text: string, columns: number): string {
  const cut = clipText(text, columns);
  return cut.text + " ".repeat(Math.max(0, columns - cut.width));
}
