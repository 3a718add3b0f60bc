import { type Corner, centred } from "../canvas/layout.ts";
import type { OverlayState } from "./state.ts";

/** Where an overlay lies in the body: the palette over the line that is typed, others in the middle. */
export function overlayCorner(
  { kind }: OverlayState,
  size: { width: number; height: number },
  body: { columns: number; height: number },
): Corner {
  if (kind === "palette") return { column: 0, row: Math.max(0, body.height - size.height) };
  return centred(size, body);
}
