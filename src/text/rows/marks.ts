import type { Mark } from "./paint.ts";
import type { StyleOverlay } from "./sgr.ts";

/**
 * Merges two lists of marks. Where they overlap, combines both looks. Each list is ascending
 * without overlaps.
 */
export function overlay(under: readonly Mark[], over: readonly Mark[]): Mark[] {
  if (under.length === 0) return [...over];
  if (over.length === 0) return [...under];
  const borders = [...new Set([...under, ...over].flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const result: Mark[] = [];
  let [below, above] = [0, 0];
  for (let index = 0; index + 1 < borders.length; index++) {
    const [start = 0, end = 0] = [borders[index], borders[index + 1]];
    while ((under[below]?.end ?? Number.POSITIVE_INFINITY) <= start) below++;
    while ((over[above]?.end ?? Number.POSITIVE_INFINITY) <= start) above++;
    const low = covering(under[below], start);
    const high = covering(over[above], start);
    if (low && high) result.push({ start, end, look: both(low, high) });
    else if (low ?? high) result.push({ ...(low ?? high), start, end });
  }
  return result;
}

function covering(mark: Mark | undefined, start: number): Mark | undefined {
  return mark && mark.start <= start ? mark : undefined;
}

function both(low: Mark, high: Mark): StyleOverlay {
  const reverse: StyleOverlay = { attributes: [7] };
  const { look: under = reverse } = low;
  const { look: over = reverse } = high;
  const foreground = over.foreground ?? under.foreground;
  const attributes = [...new Set([...(under.attributes ?? []), ...(over.attributes ?? [])])];
  return foreground === undefined ? { attributes } : { foreground, attributes };
}
