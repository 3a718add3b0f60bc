import { Box } from "ink";
import type { Theme } from "../canvas/theme.ts";
import type { PanelSections } from "../view/panel.ts";
import { PieceRow } from "./paint.tsx";
import { chartRows, factRows, lastLineRows } from "./panel-rows.ts";
import type { Piece } from "./row-text.ts";

/** Draws the title and the facts of the selected item. */
export function PanelFacts({ state, theme }: { state: PanelSections["facts"]; theme: Theme }) {
  return <Rows width={state.width} rows={factRows(state, theme)} />;
}

/** Draws usage over time. */
export function PanelCharts({ state, theme }: { state: PanelSections["charts"]; theme: Theme }) {
  return <Rows width={state.width} rows={chartRows(state, theme)} />;
}

/** Draws the last lines of a text. */
export function PanelLines({ state, theme }: { state: PanelSections["lines"]; theme: Theme }) {
  return <Rows width={state.width} rows={lastLineRows(state, theme)} />;
}

function Rows({ rows, width }: { rows: readonly Piece[][]; width: number }) {
  return (
    <Box flexDirection="column" width={width}>
      {rows.map((pieces, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their position
        <PieceRow key={index} pieces={pieces} />
      ))}
    </Box>
  );
}
