import type { OpenFile } from "../../src/sessions/index.ts";
import type { BrowserTarget } from "./browser/browser-target.ts";
import type { Theme } from "./canvas/theme.ts";
import type { Action, Context } from "./keymap/keymap.ts";
import type { PanelState } from "./ui/panel.ts";

/** What a view shows, between the title and the status row. */
export interface Frame {
  /**
   * One string for each row, laid out for the columns asked for: printable characters and SGR,
   * ending in the plain style.
   */
  rows: readonly string[];
  /**
   * Cells for the last column of the screen, such as a scroll bar: one string with SGR per row.
   * Empty if the row uses the column.
   */
  edge?: readonly string[] | undefined;
  /** A panel in the columns or rows that `rows` leave free. */
  side?: PanelState | undefined;
  status: Status;
  /** A message of the view, shown as a toast over the body. Empty or undefined for none. */
  message?: string | undefined;
}

/**
 * The status row as a view sees it. Names in it may be as they came: they are made safe where they
 * are drawn.
 */
export interface Status {
  /** A bold word at the left end for a lasting state, such as FOLLOW. Empty for none. */
  mark: string;
  left: string;
  right: string;
  /** The colour of the mark; `accent` without. */
  tone?: "good" | "warning" | "bad" | "accent";
}

export interface Size {
  columns: number;
  height: number;
}

/** Where a view is: the place, and the path that it shows there. */
export interface Location {
  place: BrowserTarget;
  path: string;
}

/**
 * A full screen of the program: a file, a list. The {@link Host} decides when it is drawn and where
 * its keys come from.
 */
export interface View {
  /** Whose keys hold here, the narrowest first. Those of `global` follow by themselves. */
  readonly contexts: readonly Context[];
  /**
   * What is shown: first of all the target, as the user would name it. Made safe where it is drawn.
   */
  readonly title: string;
  /** How it was reached and what it is, for the right end of the title row. */
  readonly subtitle: string;
  /** Undefined for what is nowhere: the list of containers. */
  readonly location?: Location | undefined;
  /**
   * Sees a key before the table of keys does: for digits, or for the name of a mark. True when it
   * was for that.
   */
  key?(key: string): boolean;
  /**
   * Does what a key means. False when it means nothing here: then the host does what it has for it.
   */
  act(action: Action): boolean;
  /**
   * Does what was typed behind `:`, where that is not the name of an action. False when it means
   * nothing here.
   */
  command?(text: string): boolean;
  /** True if {@link View.command} takes this text. */
  takes?(text: string): boolean;
  /**
   * What goes out of the program, as it is in the file: the marked range, or the lines on the
   * screen.
   */
  output?(): Iterable<Uint8Array>;
  /** Where that is. */
  range?(): { start: number; end: number; isMarked: boolean };
  /**
   * The file that is shown, or the selected one, with a descriptor of its own, for programs of this
   * machine. The caller closes it.
   */
  lend?(): Promise<OpenFile | undefined>;
  /** What is copied where there is no {@link output}: what is selected, written out. */
  text?(): string;
  /** What to show now, in exactly `height` rows. Called at most once a frame. */
  frame(size: Size): Frame;
  /**
   * Handles a click at a row and column, relative to the upper left corner of the body. Selects an
   * item, sorts by a title, or folds a heading. True only for an item: a double click then runs
   * `open`.
   */
  click?(row: number, column: number): boolean;
  /**
   * Handles a press at a row and column of the body on something that can be dragged, such as a
   * scroll bar. True if there is such a thing: {@link View.drag} then follows the mouse.
   */
  grab?(row: number, column: number): boolean;
  /** The mouse is here while it drags what was grabbed; the place may be outside of the body. */
  drag?(row: number, column: number): void;
  /** Scrolls what is at this place by rows, down if positive. False: the view has one such thing. */
  wheel?(rows: number, row: number, column: number): boolean;
  /** Exact widths of characters are there, what was laid out by estimates is not to be kept. */
  layOutAnew?(): void;
  /**
   * Resolves when nothing of it is at work any more: no thread, no descriptor of its own. Called
   * once.
   */
  close(): Promise<void>;
}

/** An entry of a prompt's list. */
export interface Choice {
  /** The text that the line is matched with. */
  name: string;
  detail: string;
  /** Its key in the notation of the help; empty if it has none. */
  key: string;
  /** Indexes in code points of the matching characters of the name. */
  matched: readonly number[];
  /** The equivalent line, which goes into the history. */
  line: string;
  /** The entry needs an argument: Enter puts its line into the prompt. */
  isBeginning?: boolean;
  /** Runs the entry on Enter. */
  take(): void;
}

/** A line that the user is asked for, in the place of the status row. */
export interface PromptRequest {
  /** Before what is typed: `/`, `goto: `. */
  label: string;
  /** What is there already. */
  text?: string;
  /**
   * Why Enter cannot take this text; it stays, with the reason beside it. Undefined for a text that
   * is fine.
   */
  check?(text: string): string | undefined;
  /** Enter. */
  done(text: string): void;
  /** Hears of every change, for lists that narrow as one types. */
  changed?(text: string): void;
  /** What the whole line could become; asked for with Tab, and until the line changes. */
  complete?(text: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Entries for the line, best first, for a list above the prompt. Enter takes the selected entry:
   * by default the first, unless the line is empty. {@link PromptRequest.done} gets a line without
   * an entry.
   */
  choices?(text: string): readonly Choice[];
  /** Called once; `again` makes the prompt request the entries again. */
  opened?(again: () => void): void;
  /** Esc, or Backspace in an empty line. */
  cancelled?(): void;
}

/**
 * A question with two answers. Texts may come from containers; the drawing code makes them safe.
 */
export interface Question {
  title: string;
  /** The consequences, and the reason for the question. */
  text: string;
  /** The effect of `y`, in a few words. */
  yes: string;
  /** The effect of `n`, Esc and a bare Enter: nothing changes. */
  no: string;
  answered(isYes: boolean): void;
}

/** What a view can ask of the program around it. */
export interface Host {
  /**
   * How things look. The object stays the same when the terminal tells its background and colours
   * change in it.
   */
  readonly theme: Theme;
  /** True if texts have a scroll bar. */
  readonly hasScrollBar: boolean;
  /** The key of an action as it is written, for hints; its command where it has none. */
  keyOf(context: Context, action: Action): string;
  /** There is something new to show: a frame is drawn when its time has come. */
  changed(): void;
  /** Shows a message as a toast over the body until the next key. */
  say(message: string): void;
  ask(question: PromptRequest): void;
  /** Asks in a dialog over the body. */
  confirm(question: Question): void;
  /**
   * Gives the terminal back, runs something else on it, and takes it again. `pause`: waits for
   * Enter before, so that what was written can be read.
   */
  outside<T>(action: () => Promise<T>, pause?: (result: T) => boolean): Promise<T>;
  /** Hands bytes to the terminal's clipboard (OSC 52). */
  copy(bytes: Uint8Array): void;
  /** Shows another view over this one, closing it comes back here; or in a tab of its own. */
  open(view: View, how?: "over" | "tab"): void;
  /** Closes the view on top. */
  back(): void;
  /**
   * Closes the views over the one that is looked for, in the tab that is shown. False where there
   * is none: then nothing is closed.
   */
  backTo(isWanted: (view: View) => boolean): boolean;
  /** Ends the program with an error. */
  fail(error: unknown): void;
}

/**
 * Where one can go from any view. Loaded when it is first needed: `porthole open` shows its text
 * before.
 */
export interface Navigator {
  /**
   * Goes to the containers, or from the view to the files around it, to what is open there, to the
   * mounts. False for another action.
   */
  go(action: Action, from: View | undefined): boolean;
  /** Runs one of `COMMANDS` except `tab`; shows failures as messages. */
  command(name: string, argument: string, from: View | undefined): void;
  /** What an argument could become. */
  complete(name: string, argument: string): Promise<readonly string[]>;
  /** Opens a recent file or output again. */
  reopen(file: RecentFile): void;
  /** Lists the containers of every engine that responds. */
  containers(): Promise<readonly KnownContainer[]>;
}

/** A file or an output that the user has opened. */
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
