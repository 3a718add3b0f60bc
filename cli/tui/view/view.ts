import type { OpenFile } from "../../../src/sessions/index.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Connection } from "../connection/connection.ts";
import type { Lack } from "../keymap/binding.ts";
import type { Action, Context } from "../keymap/keymap.ts";
import type { HistogramState } from "./histogram.ts";
import type { PanelState } from "./panel.ts";

/** Content of a view, between the title and the status row. */
export interface Frame {
  /**
   * One string per row, laid out for the requested columns: printable characters and SGR, ending in
   * the plain style.
   */
  rows: readonly string[];
  /**
   * Cells for the last column of the screen, such as a scroll bar: one string with SGR per row.
   * Empty if the row uses the column.
   */
  edge?: readonly string[] | undefined;
  /** A panel in the columns or rows beside or below `rows`. */
  side?: PanelState | undefined;
  /** Levels over time in the screen rows below `rows`. */
  histogram?: HistogramState | undefined;
  /** Read after the rows are written, because the surfaces are drawn later. */
  readonly status: Status;
  /** A message of the view, shown as a toast over the body. Empty or undefined means no message. */
  message?: string | undefined;
}

/** The status row of a view. The drawing code sanitises names in it. */
export interface Status {
  /** A bold word at the left end for a lasting state, such as FOLLOW. Empty means no mark. */
  mark: string;
  left: string;
  right: string;
  /** The colour of the mark; default `accent`. */
  tone?: "good" | "warning" | "bad" | "accent";
}

export interface Size {
  columns: number;
  height: number;
}

/** Location of a view: a target, and the path that is shown in it. */
export interface Location {
  connection: Connection;
  path: string;
}

/**
 * A full screen of the program, such as a file or a list. The {@link Host} decides when to draw it,
 * and passes keys to it.
 */
export interface View {
  /** Contexts of the valid keys, narrowest first, without `global`. */
  readonly contexts: readonly Context[];
  /** The target as the user would write it, for the title row. The drawing code sanitises it. */
  readonly title: string;
  /** Route and kind of the content, for the right end of the title row. */
  readonly subtitle: string;
  /** The location; undefined for views without a location, such as the list of containers. */
  readonly location?: Location | undefined;
  /** What a list lacks: the row of keys leaves out those that need it. */
  readonly lacks?: Lack | undefined;
  /**
   * Receives a key before the key table, for digits or the name of a mark. True if the view handled
   * the key.
   */
  key?(key: string): boolean;
  /**
   * Runs the action of a key. False if the view does not handle the action; the host then handles
   * it.
   */
  act(action: Action): boolean;
  /**
   * Runs a command typed after `:` that is not the name of an action. False if the view does not
   * handle it.
   */
  command?(text: string): boolean;
  /** True if {@link View.command} accepts this text. */
  takes?(text: string): boolean;
  /** The bytes of the marked range, or of the visible lines, as they are in the file. */
  output?(): Iterable<Uint8Array>;
  /** The range of these bytes. */
  range?(): { start: number; end: number; isMarked: boolean };
  /**
   * A new descriptor of the visible or selected file, for programs of this machine. The caller
   * closes it.
   */
  lend?(): Promise<OpenFile | undefined>;
  /** Returns the text to copy if there is no {@link output}: the selected item. */
  text?(): string;
  /** Draws exactly `height` rows. Called at most once per frame. */
  frame(size: Size): Frame;
  /**
   * Handles a click at a row and column, relative to the upper left corner of the body. Selects an
   * item, sorts by a title, or folds a heading. True only for an item: a double click then runs
   * `open`.
   */
  click?(row: number, column: number): boolean;
  /**
   * Handles a press at a row and column of the body on something that can be dragged, such as a
   * scroll bar. Returns true in that case: {@link View.drag} then receives the mouse movements.
   */
  grab?(row: number, column: number): boolean;
  /** Handles a move of the mouse while dragging. The position may be outside of the body. */
  drag?(row: number, column: number): void;
  /**
   * Scrolls the part at this position by rows, down if positive. False if the view has only one
   * part.
   */
  wheel?(rows: number, row: number, column: number): boolean;
  /** Called while no key is pending, to prepare the probable next frame. */
  prepare?(): void;
  /** Discards layouts with estimated widths, because exact widths are available. */
  layOutAnew?(): void;
  /** Resolves once no thread and no descriptor of the view is in use. Called once. */
  close(): Promise<void>;
}

/** An entry of a prompt's list. */
export interface Choice {
  /** The text that is matched with the line. */
  name: string;
  detail: string;
  /** Its key in the notation of the help; empty if it has none. */
  key: string;
  /** Indexes in code points of the matching characters of the name. */
  matched: readonly number[];
  /** The equivalent line, which is added to the history. */
  line: string;
  /** True if the entry needs an argument: Enter puts its line into the prompt. */
  isBeginning?: boolean;
  /** Runs the entry on Enter. */
  take(): void;
}

/** A prompt in the status row. */
export interface PromptRequest {
  /** Text before the line: `/`, `goto: `. */
  label: string;
  /** Initial text of the line. */
  text?: string;
  /**
   * Returns why Enter must not accept this text, for display beside the text. Undefined if the text
   * is valid.
   */
  check?(text: string): string | undefined;
  /** What Enter does, in a word or two for the row of keys: `search`, `go there`. */
  enter: string;
  /** What Esc does, if it does more than cancel. */
  escape?: string;
  /** Called by Enter. */
  done(text: string): void;
  /** Called with every change, for lists that narrow during typing. */
  changed?(text: string): void;
  /** Returns completions of the whole line for Tab. Aborted when the line changes. */
  complete?(text: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Returns entries for the line, best first, for a list above the prompt. Enter chooses the
   * selected entry: by default the first, unless the line is empty. {@link PromptRequest.done}
   * receives a line without an entry.
   */
  choices?(text: string): readonly Choice[];
  /** Called once at the start. `again` requests the entries again. */
  opened?(again: () => void): void;
  /** Called by Esc, or by Backspace in an empty line. */
  cancelled?(): void;
}

/**
 * A question with two answers. Its texts may come from containers; the drawing code sanitises them.
 */
export interface Question {
  title: string;
  /** The object of the question, shown on a separate line. */
  subject?: string;
  /** The consequences, and the reason for the question. */
  text: string;
  /** The effect of `y`, in a few words. */
  yes: string;
  /** The effect of `n`, Esc and Enter without a choice. These answers change nothing. */
  no: string;
  answered(isYes: boolean): void;
}

/** The functions of the program that a view calls. */
export interface Host {
  /**
   * The theme. The object stays the same when the terminal reports its background and colours
   * change.
   */
  readonly theme: Theme;
  /** True if texts have a scroll bar. */
  readonly hasScrollBar: boolean;
  /**
   * Returns the key of an action in the notation of the help, for hints. If the action has no key,
   * returns its command.
   */
  keyOf(context: Context, action: Action): string;
  /** Requests a frame. */
  changed(): void;
  /** Shows a message as a toast over the body. The next key removes it. */
  say(message: string): void;
  ask(question: PromptRequest): void;
  /** Asks in a dialog over the body. */
  confirm(question: Question): void;
  /**
   * Restores the terminal, runs an action on it, and takes it again. `pause`: waits for Enter
   * first, so that the user can read the output.
   */
  outside<T>(action: () => Promise<T>, pause?: (result: T) => boolean): Promise<T>;
  /** Puts bytes on the terminal's clipboard (OSC 52). */
  copy(bytes: Uint8Array): void;
  /**
   * Shows another view over this one, or in a new tab. Closing a view over this one returns to this
   * one.
   */
  open(view: View, how?: "over" | "tab"): void;
  /** Closes the visible view. */
  back(): void;
  /**
   * Closes the views above the last view in the visible tab that satisfies `isWanted`. False if no
   * view does, and then closes no view.
   */
  backTo(isWanted: (view: View) => boolean): boolean;
  /** Ends the program with an error. */
  fail(error: unknown): void;
}

/** Navigates from any view. Loaded on first use, because `porthole open` shows its text before. */
export interface Navigator {
  /**
   * Opens the containers, or the files, processes or mounts at a view's location. False for any
   * other action.
   */
  go(action: Action, from: View | undefined): boolean;
  /** Runs one of `COMMANDS` except `tab`; shows failures as messages. */
  command(name: string, argument: string, from: View | undefined): void;
  /** Returns completions of an argument. */
  complete(name: string, argument: string): Promise<readonly string[]>;
  /** Opens a recent file or output again. */
  reopen(file: RecentFile): void;
  /** Lists the containers of every engine that responds. */
  containers(): Promise<readonly KnownContainer[]>;
}

/** A file or output that the user has opened. */
export interface RecentFile {
  title: string;
  location: Location;
}

/** A container that the palette opens by its name. */
export interface KnownContainer {
  name: string;
  /** Its image and state. */
  detail: string;
  open(): void;
}
