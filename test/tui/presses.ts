import { type Action, type Context, KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import type { TmuxScreen } from "./screen.ts";

const NAMES: Readonly<Record<string, string>> = {
  " ": "Space",
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
  enter: "Enter",
  escape: "Escape",
  home: "Home",
  end: "End",
  pageup: "PPage",
  pagedown: "NPage",
  backspace: "BSpace",
  delete: "DC",
  tab: "Tab",
  backtab: "BTab",
};

/** How tmux calls a key of the table. */
function tmuxKey(key: string): string {
  const [, modifier, rest = key] = /^(ctrl|alt)-(.+)$/.exec(key) ?? [];
  const name = NAMES[rest] ?? (/^f\d+$/.test(rest) ? rest.toUpperCase() : rest);
  return modifier === undefined ? name : `${modifier === "ctrl" ? "C" : "M"}-${name}`;
}

/**
 * Presses keys by what they do, and keeps account of what was done: a key of the help that no test
 * presses is found out.
 */
export class Presses {
  readonly #screen: () => TmuxScreen;
  readonly #done = new Set<string>();

  constructor(screen: () => TmuxScreen) {
    this.#screen = screen;
  }

  /**
   * Presses the first key of the action where `context` has it, and waits for what it does. Returns
   * the screen's text.
   */
  async press(context: Context, action: Action, what: string, condition: (text: string) => boolean): Promise<string> {
    const key = KEYMAP[context].find((binding) => binding.action === action)?.keys[0];
    if (key === undefined) throw new Error(`no key for ${action} of ${context}`);
    this.#done.add(`${context} ${action}`);
    this.#screen().keys(tmuxKey(key));
    return this.#screen().waitFor(`${what} after ${key}`, condition);
  }

  /** Actions of these contexts that were never pressed. */
  missing(contexts: readonly Context[]): string[] {
    return contexts
      .flatMap((context) => KEYMAP[context].map(({ action }) => `${context} ${action}`))
      .filter((one) => !this.#done.has(one));
  }
}
