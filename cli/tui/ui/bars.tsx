import { Box } from "ink";
import type { Theme } from "../canvas/theme.ts";
import { Row } from "./paint.tsx";
import { keysRow, promptRow, statusRow, tabsRow, titleRow } from "./row-text.ts";
import type { BottomState, TopState } from "./state.ts";

/** Draws the rows above the body: the title, and tabs if there are several. */
export function TopBar({ state, theme }: { state: TopState; theme: Theme }) {
  return (
    <Box flexDirection="column" width={state.columns}>
      {state.tabs && <Row pieces={tabsRow(state, theme)} />}
      <Row pieces={titleRow(state, theme)} />
    </Box>
  );
}

/** Draws the rows below the body: the status or the prompt, and the keys. */
export function BottomBar({ state, theme }: { state: BottomState; theme: Theme }) {
  const { columns, prompt, keys } = state;
  return (
    <Box flexDirection="column" width={columns}>
      <Row pieces={prompt ? promptRow(prompt, columns, theme) : statusRow(state, theme)} />
      {keys && <Row pieces={keysRow(keys, columns, theme)} />}
    </Box>
  );
}
