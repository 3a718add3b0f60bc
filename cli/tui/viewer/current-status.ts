import type { Position } from "../../../src/text/index.ts";
import type { Document } from "./document/document.ts";
import type { Growth } from "./document/growth.ts";
import type { ViewerParts } from "./viewer-parts.ts";
import type { ViewerStatus } from "./viewer-types.ts";

/** Offsets in the text: its start and end, and the end of the last visible line. */
export type Extent = Pick<ViewerStatus, "start" | "end" | "bottom">;

/** Returns the extent of the visible rows, which are at `positions`. */
export function extentOf(
  { source }: Document,
  { text, following }: ViewerParts,
  positions: readonly Position[],
): Extent {
  const [start, end, last] = [source.start(), source.end(), positions.at(-1)];
  // The position of a follow is the end, even while its filter checks new lines.
  return { start, end, bottom: last === undefined || following.isOn ? end : text.shownUpTo(last) };
}

/**
 * Returns the status of the visible rows and of work in progress, without the count. `first` is the
 * first visible row.
 */
export function currentStatus(
  document: Document,
  growth: Growth,
  { text, searching, following, counting }: ViewerParts,
  { extent, first }: { extent: Extent; first: Position | undefined },
): Omit<ViewerStatus, "count"> {
  const { chain } = document;
  const { viewport, isHex, left, filter, visibleLines, ways } = text;
  const { start, end } = extent;
  const top = viewport.top.line;
  const line = isHex || !first ? undefined : document.lineNumber(first.line);
  return {
    ...extent,
    mode: isHex ? "hex" : "text",
    follow: following.state,
    news: following.news,
    rate: growth.rate,
    sparkline: growth.sparkline,
    top: chain?.offsetInFile(top) ?? top,
    length: chain?.fileEnd(top, end) ?? end,
    isDropping: document.isStream && start > 0,
    // Unknown if the beginning of its file was dropped.
    line: line && line.number > 0 ? line : undefined,
    left,
    search: searching.status,
    // A hex dump shows all bytes.
    filter: isHex ? undefined : filter?.status,
    levels: isHex ? "" : visibleLines.facets.summary,
    index: counting.progress,
    modes: ways,
  };
}

/** Returns the visible part of the text in fractions. @param top offset of its first byte */
export function shownPart({ start, end, bottom }: Extent, top: number) {
  const length = Math.max(1, end - start);
  return { from: (top - start) / length, to: (bottom - start) / length };
}
