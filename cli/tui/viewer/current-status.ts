import type { Position } from "../../../src/text/index.ts";
import type { Document } from "./document.ts";
import type { Growth } from "./growth.ts";
import type { ViewerParts } from "./viewer-parts.ts";
import type { ViewerStatus } from "./viewer-types.ts";

/**
 * Returns the status of the visible rows and of work in progress, without the count. `positions`
 * are the visible rows.
 */
export function currentStatus(
  document: Document,
  growth: Growth,
  { text, searching, following, counting }: ViewerParts,
  positions: readonly Position[],
): Omit<ViewerStatus, "count"> {
  const { source, chain } = document;
  const { viewport, isHex, left, filter, visibleLines, ways } = text;
  const end = source.end();
  const [first, last] = [positions[0], positions.at(-1)];
  const top = viewport.top.line;
  return {
    mode: isHex ? "hex" : "text",
    follow: following.state,
    news: following.news,
    rate: growth.rate,
    sparkline: growth.sparkline,
    top: chain?.offsetInFile(top) ?? top,
    length: chain?.fileEnd(top) ?? end,
    // The position of a follow is the end, even while its filter checks new lines.
    bottom: last === undefined || following.isOn ? end : text.shownUpTo(last),
    end,
    start: source.start(),
    isDropping: document.isStream && source.start() > 0,
    line: isHex || !first ? undefined : document.lineNumber(first.line),
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
export function shownPart({ start, end, bottom }: Pick<ViewerStatus, "start" | "end" | "bottom">, top: number) {
  const length = Math.max(1, end - start);
  return { from: (top - start) / length, to: (bottom - start) / length };
}
