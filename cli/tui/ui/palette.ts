import type { Choice } from "../view/view.ts";
import type { PaletteState } from "./state.ts";

/** Maximum columns and entries. Users cannot scan more at a glance. */
const WIDTH = 100;
const ENTRIES = 12;

/** Rows of the border. */
const FRAME_ROWS = 2;

/** Replaces an empty list, which would look as if the palette was closed. */
const NOTHING = { name: "", detail: "no entry matches", key: "", matched: [] };

/** Returns the visible part of the list, around the selected entry. Undefined in a small body. */
export function paletteState(
  { all, at }: { all: readonly Choice[]; at: number | undefined },
  body: { columns: number; height: number },
): PaletteState | undefined {
  const height = Math.min(ENTRIES, Math.max(1, all.length), body.height - FRAME_ROWS);
  if (height < 1) return undefined;
  const first = Math.max(0, Math.min((at ?? 0) - Math.floor(height / 2), all.length - height));
  const rows = all
    .slice(first, first + height)
    .map(({ name, detail, key, matched }) => ({ name, detail, key, matched }));
  return {
    kind: "palette",
    width: Math.min(WIDTH, body.columns),
    rows: rows.length === 0 ? [NOTHING] : rows,
    at: at === undefined ? undefined : at - first,
    count: all.length,
    first,
  };
}
