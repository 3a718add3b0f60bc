import { clipText, safeWidth, textWidth, wrapWords } from "../canvas/text-width.ts";
import type { KeyHints } from "../keymap/hints.ts";
import type { Question } from "../view/view.ts";
import type { DialogState } from "./state.ts";

/** Maximum width of the text in columns: longer lines are hard to read. */
const WIDTH = 60;

/** Columns of the border and the padding. */
const FRAME_COLUMNS = 4;

/** Columns after each answer. */
export const ANSWER_GAP = 2;

/** Rows of the border and the answers, with the blank row before them. */
const FRAME_ROWS = 4;

/** Lays out a question for a body. A text that is too long for it ends with an ellipsis. */
export function dialogState(
  { title, subject, text, yes, no }: Question,
  isYes: boolean,
  body: { columns: number; height: number },
): DialogState {
  const room = Math.max(1, Math.min(WIDTH, body.columns - FRAME_COLUMNS));
  const about = subject === undefined ? [] : wrapWords(subject, room);
  const all = [...about, ...wrapWords(text, room)];
  const lines = clippedLines(all, Math.max(1, body.height - FRAME_ROWS), room);
  const answers = [
    { key: "n", text: no, isFocused: !isYes },
    { key: "y", text: yes, isFocused: isYes },
  ];
  const row = answers.reduce((sum, answer) => sum + answerWidth(answer) + ANSWER_GAP, 0);
  const longest = Math.max(row, ...[title, ...lines].map(safeWidth));
  return {
    kind: "dialog",
    width: Math.min(room, longest) + FRAME_COLUMNS,
    title,
    lines,
    subject: about.length,
    answers,
  };
}

function clippedLines(lines: readonly string[], count: number, columns: number): readonly string[] {
  if (lines.length <= count) return lines;
  return [...lines.slice(0, count - 1), clipText(lines.slice(count - 1).join(" "), columns).text];
}

/** The keys of a question, for the row of key hints. */
export function dialogHints({ yes, no }: Question): KeyHints {
  return {
    here: [
      { key: "n", text: no, press: "n" },
      { key: "y", text: yes, press: "y" },
    ],
    everywhere: [],
  };
}

/** Width of an answer in columns: its key and its text, each with a blank on both sides. */
export function answerWidth({ key, text }: DialogState["answers"][number]): number {
  return textWidth(key) + safeWidth(text) + 3;
}
