import { Box } from "ink";
import type { Theme } from "../canvas/theme.ts";
import type { HistogramState } from "../view/histogram.ts";
import { histogramRows } from "./histogram-rows.ts";
import { PieceRow } from "./paint.tsx";

/** Draws the levels of a text over time, below the text. */
export function HistogramBars({ state, theme }: { state: HistogramState; theme: Theme }) {
  return (
    <Box flexDirection="column" width={state.width}>
      {histogramRows(state, theme).map((pieces, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their position
        <PieceRow key={index} pieces={pieces} />
      ))}
    </Box>
  );
}
