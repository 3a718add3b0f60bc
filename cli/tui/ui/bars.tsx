import { Box } from "ink";
import type { Theme } from "../canvas/theme.ts";
import type { KeyHints } from "../keymap/hints.ts";
import { PieceRow } from "./paint.tsx";
import { keysRow, promptRow, statusRow, tabsRow, titleRow } from "./row-text.ts";
import type { BottomState, TopState } from "./state.ts";

/** Draws the rows above the body: the title, and tabs if there are several. */
export function TopBar({ state, theme }: { state: TopState; theme: Theme }) {
  return (
    <Box flexDirection="column" width={state.columns}>
      {state.tabs && <PieceRow pieces={tabsRow(state, theme)} />}
      <PieceRow pieces={titleRow(state, theme)} />
    </Box>
  );
}

/** Draws the first row below the body: the status, or the prompt. */
export function StatusBar({ state, theme }: { state: Omit<BottomState, "keys">; theme: Theme }) {
  const { columns, prompt } = state;
  return (
    <Box width={columns}>
      <PieceRow pieces={prompt ? promptRow(prompt, columns, theme) : statusRow(state, theme)} />
    </Box>
  );
}

/** Draws the last row of the screen: the keys. */
export function KeysBar({ keys, columns, theme }: { keys: KeyHints; columns: number; theme: Theme }) {
  return (
    <Box width={columns}>
      <PieceRow pieces={keysRow(keys, columns, theme)} />
    </Box>
  );
}
