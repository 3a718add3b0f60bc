import { Box, Text, Transform } from "ink";
import type { ReactNode } from "react";
import { textWidth } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Piece } from "./row-text.ts";

/** Draws pieces in one row, each in its style. */
export function PieceRow({ pieces }: { pieces: readonly Piece[] }) {
  return (
    <Text wrap="truncate">
      {pieces.map(({ text, style }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a piece has no identity but its place
        <Paint key={index} style={style}>
          {text}
        </Paint>
      ))}
    </Text>
  );
}

/**
 * Draws text in a style of the theme. Ink's own colours are names, not the SGR parameters of the
 * canvas.
 */
function Paint({ style, children }: { style: string; children: string }) {
  if (style === "") return <Text>{children}</Text>;
  return <Transform transform={(text) => painted(text, style)}>{children}</Transform>;
}

/** Draws a frame with a title in its upper edge. `height` is the number of rows inside. */
export function Panel(props: { title: string; width: number; height: number; theme: Theme; children: ReactNode }) {
  const { title, width, height, theme, children } = props;
  const side = Array.from({ length: height }, () => "│").join("\n");
  const edge = Math.max(0, width - 5 - textWidth(title));
  return (
    <Box flexDirection="column" width={width}>
      <PieceRow
        pieces={[
          { text: "╭─ ", style: theme.focus },
          { text: title, style: theme.heading },
          { text: ` ${"─".repeat(edge)}╮`, style: theme.focus },
        ]}
      />
      <Box>
        <Paint style={theme.focus}>{side}</Paint>
        <Box flexDirection="column" width={width - 2} height={height} paddingX={1}>
          {children}
        </Box>
        <Paint style={theme.focus}>{side}</Paint>
      </Box>
      <Paint style={theme.focus}>{`╰${"─".repeat(width - 2)}╯`}</Paint>
    </Box>
  );
}

/** Emits each parameter as a separate sequence, with its end: Ink splits styles by their ends. */
function painted(text: string, style: string): string {
  const parameters = style.match(/[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+/g) ?? [];
  const open = parameters.map((parameter) => `\x1b[${parameter}m`).join("");
  const close = parameters.map((parameter) => `\x1b[${endOf(parameter)}m`).reverse();
  return open + text + [...new Set(close)].join("");
}

/** Returns the SGR parameter that ends another one (ECMA-48 8.3.117). */
function endOf(parameter: string): number {
  const first = Number(parameter.split(";")[0]);
  if (first === 1 || first === 2) return 22;
  if (first < 10) return first + 20;
  return (first >= 40 && first <= 49) || first >= 100 ? 49 : 39;
}
