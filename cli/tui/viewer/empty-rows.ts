import { fitText } from "../canvas/text-width.ts";
import type { KeyOf } from "../keymap/keymap.ts";
import type { Document } from "./document/document.ts";
import type { FilterStatus } from "./search/filtering.ts";
import type { ViewerParts } from "./viewer-parts.ts";
import type { ViewerOptions } from "./viewer-types.ts";

/** Returns rows that explain why no line is visible, and what to do. */
export function emptyRows(
  document: Document,
  { text, following }: ViewerParts,
  { keyOf, canFollow }: Pick<ViewerOptions, "keyOf" | "canFollow">,
  columns: number,
): string[] {
  if (text.filter && !text.isHex) return filteredRows(text.filter.status, keyOf, columns);
  if (text.isFilling || document.source.end() > document.source.start()) return [];
  if (following.isOn || document.isStream) return rowsOf("nothing yet", "new lines appear here", columns);
  return rowsOf("empty", canFollow ? `${keyOf("follow")} follows what is appended` : "", columns);
}

function filteredRows(
  { pattern, descriptions, isRunning, progress }: FilterStatus,
  keyOf: KeyOf,
  columns: number,
): string[] {
  const what = pattern === "" ? "no line matches" : `no line matches &${pattern}`;
  const also = descriptions.length === 0 ? "" : ` (${descriptions.join("; ")})`;
  const so = isRunning || progress < 1 ? " so far" : "";
  const leave = isRunning ? "stops the search" : "shows all lines";
  return rowsOf(`${what}${also}${so}`, `${keyOf("cancel")} ${leave}`, columns);
}

function rowsOf(what: string, more: string, columns: number): string[] {
  return ["", fitText(` ${what}`, columns), `\x1b[2m${fitText(` ${more}`, columns)}\x1b[m`];
}
