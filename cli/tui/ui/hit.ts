import type { Regions } from "../canvas/layout.ts";
import { ANSWER_GAP, answerWidth } from "./dialog.ts";
import { overlayCorner, overlayHeight } from "./overlay-corner.ts";
import { hintAt, tabAt } from "./row-text.ts";
import type { DialogState, OverlayState, ScreenState } from "./state.ts";

/** The element of the screen at a position. */
export type Hit =
  | { kind: "tab"; index: number }
  /** A key in the last row, in the notation of an event. */
  | { kind: "key"; press: string }
  /** Index of an entry in the whole palette. */
  | { kind: "choice"; index: number }
  | { kind: "answer"; isYes: boolean }
  /** A position in the uncovered body, relative to its upper left corner. */
  | { kind: "body"; row: number; column: number }
  /** Inside an overlay, or outside of it. */
  | { kind: "overlay" | "beside" }
  | { kind: "nothing" };

const NOTHING: Hit = { kind: "nothing" };

/** Offset of an overlay's content: its frame, and a column of padding. */
const FRAME = { row: 1, column: 2 };

/** Finds the element at a row and column of the screen, both from 0. */
export function hitAt({ top, bottom, overlay }: ScreenState, regions: Regions, row: number, column: number): Hit {
  const bodyRow = row - regions.top;
  if (bodyRow < 0) {
    const index = top.tabs && row === 0 ? tabAt(top, column) : undefined;
    return index === undefined ? NOTHING : { kind: "tab", index };
  }
  if (bodyRow >= regions.body) {
    const isKeys = bodyRow === regions.body + 1 && bottom.keys !== undefined;
    const hint = isKeys && bottom.keys ? hintAt(bottom.keys, bottom.columns, column) : undefined;
    return hint ? { kind: "key", press: hint.press } : NOTHING;
  }
  if (overlay) return overlayHit(overlay, { columns: top.columns, height: regions.body }, bodyRow, column);
  return { kind: "body", row: bodyRow, column };
}

function overlayHit(
  state: OverlayState,
  body: { columns: number; height: number },
  bodyRow: number,
  bodyColumn: number,
): Hit {
  const size = { width: Math.min(state.width, body.columns), height: overlayHeight(state) };
  const corner = overlayCorner(state, size, body);
  const row = bodyRow - corner.row;
  const column = bodyColumn - corner.column;
  if (row < 0 || row >= size.height || column < 0 || column >= size.width) return { kind: "beside" };
  const isFrame = row < FRAME.row || row >= size.height - FRAME.row;
  if (state.kind === "palette" && !isFrame) return { kind: "choice", index: state.first + row - FRAME.row };
  if (state.kind === "dialog" && row === size.height - 2) return answerHit(state, column - FRAME.column);
  return { kind: "overlay" };
}

function answerHit({ answers }: DialogState, column: number): Hit {
  let start = 0;
  for (const answer of answers) {
    const end = start + answerWidth(answer);
    if (column >= start && column < end) return { kind: "answer", isYes: answer.key === "y" };
    start = end + ANSWER_GAP;
  }
  return { kind: "overlay" };
}
