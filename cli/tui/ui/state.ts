import type { Theme } from "../canvas/theme.ts";
import type { KeyHints } from "../keymap/hints.ts";
import type { HistogramState } from "../view/histogram.ts";
import type { PanelSections } from "../view/panel.ts";
import type { Choice, Status } from "../view/view.ts";
import type { HelpPage } from "./help.ts";
import type { PromptState } from "./prompt.ts";

/** State of the surfaces. Equal states produce equal rows. */
export interface ScreenState {
  theme: Theme;
  top: TopState;
  bottom: BottomState;
  /** The panel beside or below a list; undefined if there is no panel. */
  side: PanelSections | undefined;
  /** Levels over time below a text; undefined if they are not shown. */
  histogram: HistogramState | undefined;
  /** The overlay of the body; undefined if there is no overlay. */
  overlay: OverlayState | undefined;
  /** A message, drawn over the overlay. */
  toast: ToastState | undefined;
}

/** The rows above the body. */
export interface TopState {
  columns: number;
  /** Titles of the tabs, if there are several, and the index of the visible one. */
  tabs?: { titles: readonly string[]; at: number } | undefined;
  title: string;
  subtitle: string;
}

/** The rows below the body. */
export interface BottomState {
  columns: number;
  status: Status;
  /** The prompt, which replaces the status. */
  prompt: ShownPrompt | undefined;
  /** Keys that are valid now; undefined if there is no row for them. */
  keys: KeyHints | undefined;
}

/** A line being typed. */
export interface ShownPrompt extends PromptState {
  label: string;
  /** Completions, or why the line was refused, at the end of the row. */
  hint?: string;
}

/** An overlay of the body. */
export type OverlayState = HelpState | PaletteState | DialogState;

/** A message at the lower right of the body. */
export interface ToastState {
  width: number;
  lines: readonly string[];
}

/** A question in the middle of the body. */
export interface DialogState {
  kind: "dialog";
  width: number;
  title: string;
  lines: readonly string[];
  /** Number of leading lines, which name the object of the question. */
  subject: number;
  answers: readonly { key: string; text: string; isFocused: boolean }[];
}

/** Keys of a view, in the middle of the body. */
export interface HelpState {
  kind: "help";
  /** Width in columns. */
  width: number;
  page: HelpPage;
  /** Key hint for turning the pages. */
  turn: string;
}

/** The palette's entries, at the lower end of the body, above the prompt. */
export interface PaletteState {
  kind: "palette";
  width: number;
  /** The visible entries. */
  rows: readonly PaletteRow[];
  /** Index in `rows` of the entry that Enter takes; undefined if none. */
  at: number | undefined;
  /** Number of all entries, and index of the first visible one. */
  count: number;
  first: number;
}

/** An entry of the palette. Names come from containers; the drawing code sanitises them. */
export type PaletteRow = Pick<Choice, "name" | "detail" | "key" | "matched">;
