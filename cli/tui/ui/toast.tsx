import { Box } from "ink";
import { fitText } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import { PieceRow } from "./paint.tsx";
import type { ToastState } from "./state.ts";

/** Draws a message that disappears with the next key. */
export function Toast({ state: { width, lines }, theme }: { state: ToastState; theme: Theme }) {
  return (
    <Box flexDirection="column" width={width}>
      {lines.map((line, index) => (
        <PieceRow
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their position
          key={index}
          pieces={[
            { text: "▌", style: [theme.bar, theme.accent].filter(Boolean).join(";") },
            { text: fitText(line, width - 1), style: theme.bar },
          ]}
        />
      ))}
    </Box>
  );
}
