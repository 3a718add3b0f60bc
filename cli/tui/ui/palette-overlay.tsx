import { clipText, safeWidth, textWidth } from "../canvas/text-width.ts";
import type { Theme } from "../canvas/theme.ts";
import { Panel, Row } from "./paint.tsx";
import type { Piece } from "./row-text.ts";
import type { PaletteRow, PaletteState } from "./state.ts";

/** The most columns of a name that leave room for what it does. */
const NAME_SHARE = 0.5;

/** Between a name, what it does, and its key. */
const GAP = 2;

/** Border and padding beside the entries. */
const FRAME_COLUMNS = 4;

/** What a line may mean, the entry that Enter takes marked. */
export function PaletteOverlay({ state, theme }: { state: PaletteState; theme: Theme }) {
  const { width, rows, at, count, first } = state;
  const columns = width - FRAME_COLUMNS;
  const names = Math.min(Math.floor(columns * NAME_SHARE), Math.max(...rows.map(({ name }) => safeWidth(name))));
  const title = rows.length < count ? `Palette  ${first + 1}-${first + rows.length} of ${count}` : "Palette";
  return (
    <Panel title={title} width={width} height={rows.length} theme={theme}>
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is where it is, whatever it shows
        <Row key={index} pieces={entryPieces(row, { columns, names, isChosen: index === at }, theme)} />
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

/** A name cut to its columns, the characters that match in the accent. */
function namePieces(name: string, matched: readonly number[], columns: number, theme: Theme): Piece[] {
  const isMatched = new Set(matched);
  const pieces: Piece[] = [];
  let left = columns;
  Array.from(name).forEach((character, index) => {
    // An ellipsis takes the last column of a name that goes on.
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
