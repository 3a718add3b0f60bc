import { clipText } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import { ANSWER_GAP } from "./dialog.ts";
import { Panel, PieceRow } from "./paint.tsx";
import type { Piece } from "./row-text.ts";
import type { DialogState } from "./state.ts";

/** Draws a question and its answers, and marks the focused one. */
export function DialogOverlay({ state, theme }: { state: DialogState; theme: Theme }) {
  const { width, title, lines, subject, answers } = state;
  return (
    <Panel title={clipText(title, width - 6).text} width={width} height={lines.length + 2} theme={theme}>
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their position
        <PieceRow key={index} pieces={[{ text: line === "" ? " " : line, style: index < subject ? "1" : "" }]} />
      ))}
      <PieceRow pieces={[{ text: " ", style: "" }]} />
      <PieceRow pieces={answers.flatMap((answer) => answerPieces(answer, theme))} />
    </Panel>
  );
}

function answerPieces({ key, text, isFocused }: DialogState["answers"][number], theme: Theme): Piece[] {
  const style = (own: string) => (isFocused ? [theme.selection, own].filter(Boolean).join(";") : own);
  return [
    { text: ` ${key} `, style: style(theme.key) },
    { text: `${text} `, style: style("") },
    { text: " ".repeat(ANSWER_GAP), style: "" },
  ];
}
