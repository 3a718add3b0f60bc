import type { Direction } from "../../../../src/text/index.ts";
import type { ViewerText } from "../rows/viewer-text.ts";
import type { Searching } from "../search/searching.ts";

/**
 * Returns the start of a search: next to the last match if that match is visible, otherwise the
 * first visible line.
 */
export function searchStart(text: ViewerText, { at }: Searching, direction: Direction): number {
  const { viewport, space, isHex } = text;
  const shownLine = at === undefined ? undefined : space.at(at);
  if (at === undefined || !viewport.visible().some(({ line }) => line === shownLine)) return viewport.top.line;
  if (direction === "backward") return at;
  return isHex ? at + 1 : text.endOf(at);
}

/** Returns the end of the text above the screen, or the start of the text below it. */
export function screenEdge(text: ViewerText, direction: Direction): number {
  const last = text.viewport.visible().at(-1);
  return direction === "forward" && last ? text.endOf(last.line) : text.viewport.top.line;
}
