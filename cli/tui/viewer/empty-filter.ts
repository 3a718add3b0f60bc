import { fitText } from "../canvas/text-width.ts";
import type { ViewerText } from "./viewer-text.ts";
import type { KeyOf } from "./viewer-types.ts";

/** Returns rows that explain why a filter shows nothing, and how to remove the filter. */
export function emptyFilterRows({ filter, isHex }: ViewerText, keyOf: KeyOf, columns: number): string[] {
  if (!filter || isHex) return [];
  const { pattern, descriptions, isRunning, progress } = filter.status;
  const what = pattern === "" ? "no line matches" : `no line matches &${pattern}`;
  const also = descriptions.length === 0 ? "" : ` (${descriptions.join("; ")})`;
  const so = isRunning || progress < 1 ? " so far" : "";
  const leave = isRunning ? `${keyOf("cancel")} stops the search` : `${keyOf("cancel")} shows all lines`;
  return ["", fitText(` ${what}${also}${so}`, columns), `\x1b[2m${fitText(` ${leave}`, columns)}\x1b[m`];
}
