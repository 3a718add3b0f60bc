import { safeWidth, textWidth, wrapText } from "../canvas/text-width.ts";
import type { KeyHints } from "../keymap/hints.ts";
import type { Question } from "../view.ts";
import type { DialogState } from "./state.ts";

/** Columns of the text at most: longer lines are hard to read. */
const WIDTH = 60;

/** Border and padding beside the text. */
const FRAME_COLUMNS = 4;

/** Columns behind each answer. */
export const ANSWER_GAP = 2;

/** A question laid out for a screen of so many columns. */
export function dialogState({ title, text, yes, no }: Question, isYes: boolean, columns: number): DialogState {
  const room = Math.max(1, Math.min(WIDTH, columns - FRAME_COLUMNS));
  const lines = wrapText(text, room);
  const answers = [
    { key: "n", text: no, isFocused: !isYes },
    { key: "y", text: yes, isFocused: isYes },
  ];
  const row = answers.reduce((sum, answer) => sum + answerWidth(answer) + ANSWER_GAP, 0);
  const longest = Math.max(row, ...[title, ...lines].map(safeWidth));
  return { kind: "dialog", width: Math.min(room, longest) + FRAME_COLUMNS, title, lines, answers };
}

/** The keys of a question, for the row of keys. */
export function dialogHints({ yes, no }: Question): KeyHints {
  return {
    here: [
      { key: "n", text: no, press: "n" },
      { key: "y", text: yes, press: "y" },
    ],
    everywhere: [],
  };
}

/** Columns of an answer: its key and its text with a blank around each. */
export function answerWidth({ key, text }: DialogState["answers"][number]): number {
  return textWidth(key) + safeWidth(text) + 3;
}
