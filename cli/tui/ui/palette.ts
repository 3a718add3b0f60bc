import type { Choice } from "../view.ts";
import type { PaletteState } from "./state.ts";

/** Maximum columns and entries. Users cannot scan more at a glance. */
const WIDTH = 100;
const ENTRIES = 12;

/** Rows of the border. */
const FRAME_ROWS = 2;

/**
 * Returns the visible part of the list, around the selected entry. Undefined if the list is empty
 * or the body is too small.
 */
export function paletteState(
  { all, at }: { all: readonly Choice[]; at: number | undefined },
  body: { columns: number; height: number },
): PaletteState | undefined {
  const height = Math.min(ENTRIES, all.length, body.height - FRAME_ROWS);
  if (height < 1) return undefined;
  const first = Math.max(0, Math.min((at ?? 0) - Math.floor(height / 2), all.length - height));
  const rows = all
    .slice(first, first + height)
    .map(({ name, detail, key, matched }) => ({ name, detail, key, matched }));
  return {
    kind: "palette",
    width: Math.min(WIDTH, body.columns),
    rows,
    at: at === undefined ? undefined : at - first,
    count: all.length,
    first,
  };
}
