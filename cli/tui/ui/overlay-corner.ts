import { type Corner, centred } from "../canvas/layout.ts";
import type { OverlayState, ToastState } from "./state.ts";

/**
 * Returns the position of an overlay in the body. The palette is above the prompt, a toast at the
 * lower right, other overlays in the middle.
 */
export function overlayCorner(
  state: OverlayState | ToastState,
  { width, height }: { width: number; height: number },
  body: { columns: number; height: number },
): Corner {
  const row = Math.max(0, body.height - height);
  if (!("kind" in state)) return { column: Math.max(0, body.columns - width), row };
  return state.kind === "palette" ? { column: 0, row } : centred({ width, height }, body);
}

/** Returns the height of an overlay in rows, with its frame. */
export function overlayHeight(state: OverlayState): number {
  if (state.kind === "palette") return state.rows.length + 2;
  if (state.kind === "dialog") return state.lines.length + 4;
  return Math.max(...state.page.columns.map((lines) => lines.length)) + 2;
}
