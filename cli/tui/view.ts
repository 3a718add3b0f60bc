import type { OpenFile } from "../../src/sessions/index.ts";
import type { BrowserTarget } from "./browser/browser-target.ts";
import type { Theme } from "./canvas/theme.ts";
import type { Action, Context } from "./keymap/keymap.ts";

/** What a view shows, between the title and the status row. */
export interface Frame {
  /**
   * One string for each row, laid out for the columns asked for: printable characters and SGR,
   * ending in the plain style.
   */
  rows: readonly string[];
  /**
   * Cells for the last column of the screen, such as a scroll bar: one for each row, in SGR, empty
   * where the row has the column.
   */
  edge?: readonly string[] | undefined;
  status: Status;
  /** What the view says, as a toast over the body; empty or undefined for nothing. */
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
   * Selects what is at this row and column of the body, from its upper left corner. False when that
   * is no item: a title sorts, a heading folds. A double click then does the action `open`.
   */
  click?(row: number, column: number): boolean;
  /** Exact widths of characters are there, what was laid out by estimates is not to be kept. */
  layOutAnew?(): void;
  /**
   * Resolves when nothing of it is at work any more: no thread, no descriptor of its own. Called
   * once.
   */
  close(): Promise<void>;
}

/** An entry of the list over a line that is typed. */
export interface Choice {
  /** What the line is matched with. */
  name: string;
  detail: string;
  /** Its key as the help writes it; empty without one. */
  key: string;
  /** Which characters of the name match, by their index in code points. */
  matched: readonly number[];
  /** The line that means the same: what is remembered. */
  line: string;
  /** The line needs an argument: Enter puts it into the prompt instead. */
  isBeginning?: boolean;
  /** Enter. */
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
   * What the line may mean, best first, for a list over it. Enter takes the chosen entry, which is
   * the first one unless the line is empty; {@link PromptRequest.done} gets what has none.
   */
  choices?(text: string): readonly Choice[];
  /** Called once; `again` makes the prompt ask for the choices again. */
  opened?(again: () => void): void;
  /** Esc, or Backspace in an empty line. */
  cancelled?(): void;
}

/** A question with two answers. Texts may come from containers: they are made safe where drawn. */
export interface Question {
  title: string;
  /** What will happen, and why that is asked. */
  text: string;
  /** What `y` does, in a few words. */
  yes: string;
  /** What `n`, Esc and a bare Enter do: nothing changes. */
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
  /** Texts have a scroll bar. */
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
  /** Does one of `COMMANDS` but `tab`; failures are shown as a message. */
  command(name: string, argument: string, from: View | undefined): void;
  /** What an argument could become. */
  complete(name: string, argument: string): Promise<readonly string[]>;
  /** Opens a file or an output that was open before. */
  reopen(file: RecentFile): void;
  /** The containers of every engine that responds. */
  containers(): Promise<readonly KnownContainer[]>;
}

/** A file or an output that was shown. */
export interface RecentFile {
  title: string;
  location: Location;
}

/** A container that can be opened by its name. */
export interface KnownContainer {
  name: string;
  /** Its image and state. */
  detail: string;
  open(): void;
}
