import { Box } from "ink";
import { clipText } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import { HELP_GAP, HELP_KEYS_WIDTH, type HelpLine, type HelpPage } from "./help.ts";
import { Panel, PieceRow } from "./paint.tsx";
import type { Piece } from "./row-text.ts";

/** Draws one page of the keys of this view and of every view, in columns. */
export function HelpOverlay({
  page,
  width,
  turn,
  theme,
}: {
  page: HelpPage;
  width: number;
  turn: string;
  theme: Theme;
}) {
  const height = Math.max(...page.columns.map((lines) => lines.length));
  const title = page.pages > 1 ? `Keys  page ${page.page + 1} of ${page.pages}: ${turn}` : "Keys";
  return (
    <Panel title={title} width={width} height={height} theme={theme}>
      <Box>
        {page.columns.map((lines) => (
          <Box key={lines[0]?.text} flexDirection="column" width={page.width + HELP_GAP}>
            {lines.map((line) => (
              <PieceRow key={line.keys + line.text} pieces={linePieces(line, page.width, theme)} />
            ))}
          </Box>
        ))}
      </Box>
    </Panel>
  );
}

function linePieces({ keys, text }: HelpLine, width: number, theme: Theme): Piece[] {
  if (keys === "") return [{ text: clipText(text, width).text, style: theme.heading }];
  const shown = clipText(keys, HELP_KEYS_WIDTH - 2);
  return [
    { text: shown.text + " ".repeat(HELP_KEYS_WIDTH - shown.width), style: theme.key },
    { text: clipText(text, width - HELP_KEYS_WIDTH).text, style: "" },
  ];
}
