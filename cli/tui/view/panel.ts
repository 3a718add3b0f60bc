import type { Rectangle } from "../canvas/layout.ts";
import type { ThemePart } from "../canvas/theme.ts";

/** Details of the selected item of a list. Texts come from containers; the panel sanitises them. */
export interface PanelState extends Rectangle {
  title: string;
  /** Shown after the title. */
  summary: readonly StyledText[];
  facts: readonly Fact[];
  charts: readonly Chart[];
  /** The last lines of a text, shown in the remaining rows. */
  lines: PanelText | undefined;
}

/**
 * Sections of the panel, from the top. Each section is a separate Ink root, because usage changes
 * every second and facts rarely.
 */
export interface PanelSections extends Rectangle {
  facts: Section<Pick<PanelState, "title" | "summary" | "facts">>;
  charts: Section<Pick<PanelState, "charts">>;
  lines: Section<Pick<PanelState, "lines">>;
}

/** A part of a panel and its size, border included. */
export type Section<Content> = Content & { width: number; height: number; isBeside: boolean };

/** Text in the style of a theme part; without a part it is plain. */
export interface StyledText {
  text: string;
  tone?: ThemePart | undefined;
}

/** A label, with one or more rows beside it. */
export interface Fact {
  label: string;
  rows: readonly FactRow[];
}

/** A row of a fact. */
export interface FactRow {
  texts: readonly StyledText[];
  /** Text that is aligned to the right. */
  end?: string;
  /** True for a path: its end stays visible if it is too long. */
  isPath?: boolean;
}

/** Values over time, oldest first. */
export interface Chart {
  label: string;
  value: string;
  values: readonly number[];
  /** The value that is drawn at full height. */
  max: number;
}

export interface PanelText {
  title: string;
  /** Key hint at the right end of the title's row. */
  hint: string;
  lines: readonly string[];
  /** The text that replaces missing lines. */
  note: string;
}
