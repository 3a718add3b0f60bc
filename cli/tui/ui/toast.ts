import { clipText, textWidth, wrapWords } from "../canvas/text-width.ts";
import type { ToastState } from "./state.ts";

/** Columns around the text: the mark before it, and a blank after it. */
const FRAME_COLUMNS = 2;

/** Maximum rows of a message; longer ones are truncated with an ellipsis. */
const MAX_ROWS = 4;

/** Lays out a message for the body; undefined if there is no message. */
export function toastState(message: string, body: { columns: number; height: number }): ToastState | undefined {
  if (message === "") return undefined;
  const room = Math.max(1, body.columns - FRAME_COLUMNS);
  const all = wrapWords(message, room);
  const count = Math.max(1, Math.min(MAX_ROWS, body.height, all.length));
  const rest = all.slice(count - 1).join(" ");
  const lines = [...all.slice(0, count - 1), clipText(rest, room).text];
  return { width: Math.max(...lines.map(textWidth)) + FRAME_COLUMNS, lines };
}
