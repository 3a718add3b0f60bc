import type { ViewerParts } from "./viewer-parts.ts";

/**
 * Cancels work of a viewer: first a pending jump, then a search or count. If no work is pending,
 * removes the visible marks, then the filter. Reports what it cancelled.
 */
export function cancel(parts: ViewerParts): void {
  const { text, searching, counting, following, say } = parts;
  const wasWaiting = endWaits(parts);
  const wasSearching = searching.cancel();
  if (wasWaiting || wasSearching) say("search cancelled");
  else if (text.filter?.cancel()) say("filter cancelled: the result is incomplete");
  else if (counting.isAsked && counting.cancel()) say("counting cancelled");
  else if (!text.isHex && text.visibleLines.isEmpty) text.visibleLines.showAll();
  else if (text.anchor !== undefined) text.anchor = undefined;
  else if (searching.status !== undefined) searching.isHidden = true;
  else if (!text.isHex && text.filter) {
    text.visibleLines.showAll();
    if (following.isOn) text.toEnd();
    say("all lines are shown again");
  }
  // The count is last: the user rarely wants to cancel a count that started by itself.
  else if (counting.cancel()) say("counting cancelled");
}

/** Cancels pending jumps and searches before another move. True if a search was pending. */
export function endWaits({ jumps, walk, text }: ViewerParts): boolean {
  text.isEndWanted = false;
  const wasTiming = jumps.end();
  return walk.end() || wasTiming;
}
