import { clusters, clusterWidth, sanitiseText } from "../../../src/text/index.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/**
 * Cache of sanitised texts that are not plain ASCII. Splitting a text into characters is slow, and
 * a list shows the same texts in every frame.
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

/** Discards estimated widths: see `loadWidths`. */
export function forgetWidths(): void {
  known.clear();
}

/** Returns the width in columns that a text has after sanitising. */
export function safeWidth(text: string): number {
  return made(text).width;
}

/** Returns the width of a sanitised text in columns. */
export function textWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const cluster of clusters(text)) width += clusterWidth(cluster);
  return width;
}

/** Sanitises a text and truncates it to `columns`, with an ellipsis at the end. */
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

/** Sanitises a text and truncates its start, with an ellipsis, so that its end fits. */
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

/** Sanitises a text and truncates or pads it to exactly `columns`. */
export function fitText(text: string, columns: number): string {
  const cut = clipText(text, columns);
  return cut.text + " ".repeat(Math.max(0, columns - cut.width));
}

/**
 * Sanitises a text and wraps it at blanks into lines of at most `columns`. Splits longer words.
 */
export function wrapWords(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sanitiseText(text).split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (textWidth(longer) <= columns) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    const parts = dividedWord(word, columns);
    lines.push(...parts.slice(0, -1));
    line = parts.at(-1) ?? "";
  }
  return [...lines, line];
}

/** Splits a sanitised word into parts of at most `columns`. A single character may be wider. */
function dividedWord(word: string, columns: number): string[] {
  if (textWidth(word) <= columns) return [word];
  const parts: string[] = [];
  let part = "";
  let used = 0;
  for (const cluster of clusters(word)) {
    const width = clusterWidth(cluster);
    if (used > 0 && used + width > columns) {
      parts.push(part);
      part = "";
      used = 0;
    }
    part += cluster;
    used += width;
  }
  return [...parts, part];
}
