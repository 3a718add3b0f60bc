import { clusters, clusterWidth } from "../../../src/text/index.ts";

/**
 * Matches characters whose width depends on the terminal: emoji, and what joins or changes them
 * (Unicode TR51), flags, and combining marks that take a column.
 */
const UNCERTAIN = /[\u200d\ufe0e\ufe0f\u20e3\u{1f000}-\u{1faff}]|\p{Extended_Pictographic}|\p{Mc}/u;

/**
 * Adds a move to the right column (CHA) after each character whose width depends on the terminal. A
 * terminal that draws a joined emoji as two would else shift the rest of the row. `row` is drawn
 * from the first column on.
 */
export function pinColumns(row: string): string {
  if (!UNCERTAIN.test(row)) return row;
  let pinned = "";
  let column = 1;
  let isUncertain = false;
  for (const [token] of row.matchAll(/\x1b\[[0-9;:]*m|[^\x1b]+/g)) {
    if (token.startsWith("\x1b")) {
      pinned += token;
      continue;
    }
    for (const cluster of clusters(token)) {
      pinned += isUncertain ? `\x1b[${column}G${cluster}` : cluster;
      isUncertain = UNCERTAIN.test(cluster);
      column += clusterWidth(cluster);
    }
  }
  return pinned;
}
