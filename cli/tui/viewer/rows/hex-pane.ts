import { type HexRows, hexRow } from "../../../../src/text/index.ts";
import type { Document } from "../document/document.ts";
import type { Searching } from "../search/searching.ts";
import type { PaneView } from "./pane.ts";

/**
 * Returns the row of bytes at `offset`. Marks matching bytes, even if a match begins or ends in a
 * neighbouring row.
 */
export function hexPaneRow(
  { cache, source, chain }: Document,
  searching: Searching,
  rows: HexRows,
  offset: number,
  view: PaneView,
): string {
  const overlap = Math.max(0, searching.length - 1);
  const begin = Math.max(source.start(), offset - overlap);
  const bytes = cache.slice(begin, offset + rows.bytes + overlap);
  const skip = offset - begin;
  const present = Math.max(0, Math.min(rows.bytes, bytes.length - skip));
  const hits = searching
    .marksIn(bytes)
    .map(({ start, end }) => ({ start: Math.max(0, start - skip), end: Math.min(present, end - skip) }))
    .filter(({ start, end }) => start < end);
  const before = Math.max(0, source.start() - offset);
  const row = Buffer.alloc(before + present);
  bytes.copy(row, before, Math.max(0, skip), Math.max(0, skip) + present);
  return hexRow(chain?.offsetInFile(offset) ?? offset, row, { ...view, bytes: rows.bytes, before }, hits);
}
