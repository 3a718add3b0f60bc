/** What a key does in the viewer. */
export type Action =
  | "line-down"
  | "line-up"
  | "half-page-down"
  | "half-page-up"
  | "page-down"
  | "page-up"
  | "start"
  | "end"
  | "left"
  | "right"
  | "follow"
  | "search"
  | "next-match"
  | "previous-match"
  | "cancel"
  | "redraw"
  | "suspend"
  | "help"
  | "quit"
  | "interrupt";

export interface Binding {
  action: Action;
  /** Names as {@link KeyEvent} has them; the first ones are shown in the help. */
  keys: readonly string[];
  help: string;
}

/** The one table of keys: it drives the input and is the help. less's keys, where less has one. */
export const KEYMAP: readonly Binding[] = [
  { action: "line-down", keys: ["j", "down", "enter", "e", "ctrl-e", "ctrl-n"], help: "one line down" },
  { action: "line-up", keys: ["k", "up", "y", "ctrl-y", "ctrl-p"], help: "one line up" },
  { action: "page-down", keys: [" ", "pagedown", "f", "ctrl-f", "ctrl-v"], help: "one page down" },
  { action: "page-up", keys: ["b", "pageup", "ctrl-b", "alt-v"], help: "one page up" },
  { action: "half-page-down", keys: ["d", "ctrl-d"], help: "half a page down" },
  { action: "half-page-up", keys: ["u", "ctrl-u"], help: "half a page up" },
  { action: "start", keys: ["g", "home", "<"], help: "to the start" },
  { action: "end", keys: ["G", "end", ">"], help: "to the end" },
  { action: "left", keys: ["left"], help: "scroll left" },
  { action: "right", keys: ["right"], help: "scroll right" },
  { action: "follow", keys: ["F"], help: "follow what is written; scrolling up pauses" },
  { action: "search", keys: ["/"], help: "search forward for a regular expression" },
  { action: "next-match", keys: ["n"], help: "next match" },
  { action: "previous-match", keys: ["N"], help: "previous match" },
  { action: "cancel", keys: ["escape"], help: "cancel the search, close this help" },
  { action: "redraw", keys: ["ctrl-l", "r"], help: "draw the screen again" },
  { action: "suspend", keys: ["ctrl-z"], help: "suspend, `fg` comes back" },
  { action: "help", keys: ["?", "h"], help: "this help" },
  { action: "quit", keys: ["q", "Q"], help: "quit" },
  { action: "interrupt", keys: ["ctrl-c"], help: "quit with status 130" },
];

const actions = new Map(KEYMAP.flatMap(({ action, keys }) => keys.map((key) => [key, action] as const)));

export function actionFor(key: string): Action | undefined {
  return actions.get(key);
}

const NAMES: Readonly<Record<string, string>> = {
  " ": "Space",
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
  enter: "Enter",
  escape: "Esc",
  home: "Home",
  end: "End",
  pageup: "PgUp",
  pagedown: "PgDn",
};

/** How the help writes a key. */
export function keyLabel(key: string): string {
  const control = /^ctrl-(.)$/.exec(key)?.[1];
  return control ? `^${control.toUpperCase()}` : (NAMES[key] ?? key);
}
