import { sanitiseText } from "../../../src/text/index.ts";
import type { Edge } from "./compositor.ts";
import { exactly, type Regions } from "./layout.ts";
import { clipText } from "./text-width.ts";

/** The parts of a whole screen, from the top. */
export interface ScreenParts {
  top: readonly string[];
  body: readonly string[];
  bottom: readonly string[];
  /** Cells of the last column beside the body. */
  edge: readonly string[];
}

/** Joins the parts of a screen of this size. */
export function screenRows(
  { top, body, bottom, edge }: ScreenParts,
  regions: Regions,
  { columns, rows }: { columns: number; rows: number },
): { rows: string[]; edge: Edge } {
  return {
    rows: [...exactly(top, regions.top), ...exactly(body, regions.body), ...exactly(bottom, regions.bottom)].slice(
      0,
      rows,
    ),
    edge: { column: columns - 1, cells: [...exactly([], regions.top), ...exactly(edge, regions.body)] },
  };
}

/** The row above the body until Ink is loaded. */
export function plainTitle(title: string, columns: number): string {
  return clipText(` ${sanitiseText(title)}`, columns).text;
}
