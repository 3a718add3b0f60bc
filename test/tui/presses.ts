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

/** Converts a key of the table to tmux's name. */
function tmuxKey(key: string): string {
  const [, modifier, rest = key] = /^(ctrl|alt)-(.+)$/.exec(key) ?? [];
  const name = NAMES[rest] ?? (/^f\d+$/.test(rest) ? rest.toUpperCase() : rest);
  return modifier === undefined ? name : `${modifier === "ctrl" ? "C" : "M"}-${name}`;
}

/**
 * Presses keys by their actions and records them, to find keys of the help that no test presses.
 */
export class Presses {
  readonly #screen: () => TmuxScreen;
  readonly #done = new Set<string>();

  constructor(screen: () => TmuxScreen) {
    this.#screen = screen;
  }

  /**
   * Presses the first key of an action in `context`, and waits for its effect. Returns the screen's
   * text.
   */
  async press(context: Context, action: Action, what: string, condition: (text: string) => boolean): Promise<string> {
    const key = KEYMAP[context].find((binding) => binding.action === action)?.keys[0];
    if (key === undefined) throw new Error(`no key for ${action} of ${context}`);
    this.#done.add(`${context} ${action}`);
    this.#screen().keys(tmuxKey(key));
    return this.#screen().waitFor(`${what} after ${key}`, condition);
  }

  /** Actions of these contexts that were not pressed. */
  missing(contexts: readonly Context[]): string[] {
    return contexts
      .flatMap((context) => KEYMAP[context].map(({ action }) => `${context} ${action}`))
      .filter((one) => !this.#done.has(one));
  }
}
