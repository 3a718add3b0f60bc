import { clipText, safeWidth, textWidth } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import { Panel, PieceRow } from "./paint.tsx";
import type { Piece } from "./row-text.ts";
import type { PaletteRow, PaletteState } from "./state.ts";

/** Maximum width of names, as a share of the palette, so that descriptions have room. */
const NAME_SHARE = 0.5;

/** Columns between a name, its description and its key. */
const GAP = 2;

/** Columns of the border and the padding. */
const FRAME_COLUMNS = 4;

/** Draws the palette's entries, and marks the entry that Enter takes. */
export function PaletteOverlay({ state, theme }: { state: PaletteState; theme: Theme }) {
  const { width, rows, at, count, first } = state;
  const columns = width - FRAME_COLUMNS;
  const names = Math.min(Math.floor(columns * NAME_SHARE), Math.max(...rows.map(({ name }) => safeWidth(name))));
  const title = rows.length < count ? `Palette  ${first + 1}-${first + rows.length} of ${count}` : "Palette";
  return (
    <Panel title={title} width={width} height={rows.length} theme={theme}>
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their position
        <PieceRow key={index} pieces={entryPieces(row, { columns, names, isChosen: index === at }, theme)} />
      ))}
    </Panel>
  );
}

function entryPieces(
  { name, detail, key, matched }: PaletteRow,
  { columns, names, isChosen }: { columns: number; names: number; isChosen: boolean },
  theme: Theme,
): Piece[] {
  const keys = clipText(key, Math.max(0, columns - names - GAP));
  const room = Math.max(0, columns - names - GAP - keys.width - (keys.width > 0 ? GAP : 0));
  const shown = clipText(detail, room);
  const named = namePieces(name, matched, names, theme);
  const used = named.reduce((sum, { text }) => sum + textWidth(text), 0);
  const blank = (count: number): Piece => ({ text: " ".repeat(Math.max(0, count)), style: "" });
  const pieces = [
    ...named,
    blank(names + GAP - used),
    { text: shown.text, style: theme.dim },
    blank(columns - names - GAP - shown.width - keys.width),
    { text: keys.text, style: theme.key },
  ].filter(({ text }) => text !== "");
  return isChosen ? pieces.map(({ text, style }) => ({ text, style: joined(theme.selection, style) })) : pieces;
}

/** Truncates a name to its width, and draws the matching characters in the accent style. */
function namePieces(name: string, matched: readonly number[], columns: number, theme: Theme): Piece[] {
  const isMatched = new Set(matched);
  const pieces: Piece[] = [];
  let left = columns;
  Array.from(name).forEach((character, index) => {
    // Reserves the last column of a truncated name for the ellipsis.
    const part = clipText(character, left);
    left -= part.width;
    const style = isMatched.has(index) ? joined(theme.accent, "1") : "";
    const last = pieces.at(-1);
    if (last?.style === style) last.text += part.text;
    else pieces.push({ text: part.text, style });
  });
  return safeWidth(name) <= columns ? pieces : [{ text: clipText(name, columns).text, style: "" }];
}

function joined(...styles: readonly string[]): string {
  return styles.filter(Boolean).join(";");
}
