import { isUsable, type Lack } from "./binding.ts";
import { type Action, type Context, KEYMAP, type Keymap, keyLabel } from "./keymap.ts";

/** A key and a word for its action. */
export interface KeyHint {
  /** The key in the notation of the help. */
  key: string;
  text: string;
  /** The key in the notation of an event. A click on the hint presses it. */
  press: string;
}

/** Keys for the last row of the screen: those of the view, and those of every view. */
export interface KeyHints {
  here: readonly KeyHint[];
  everywhere: readonly KeyHint[];
}

export interface HintOptions {
  /** True if `back` quits. */
  isFirst?: boolean;
  /** What the list lacks: omits the keys that need it. */
  lacks?: Lack | undefined;
}

/**
 * Returns the keys with a hint in `contexts` (narrowest first): the main ones, then the others in
 * the order of the table. Omits keys that a narrower context overrides.
 */
export function keyHints(
  contexts: readonly Context[],
  keymap: Keymap = KEYMAP,
  { isFirst = false, lacks }: HintOptions = {},
): KeyHints {
  const taken = new Set<string>();
  const main: KeyHint[] = [];
  const of = (context: Context): KeyHint[] => {
    const hints = keymap[context].flatMap(({ action, keys, hint, isMain, needs }) => {
      const key = keys.find((one) => !taken.has(one));
      if (hint === undefined || key === undefined || !isUsable(needs, lacks)) return [];
      const text = isFirst && action === "back" ? "quit" : hint;
      const shown = { key: keyLabel(key), text, press: key };
      if (isMain) main.push(shown);
      return isMain ? [] : [shown];
    });
    for (const { keys } of keymap[context]) for (const key of keys) taken.add(key);
    return hints;
  };
  const others = contexts.flatMap(of);
  return { here: [...main, ...others], everywhere: of("global") };
}

/**
 * Returns the key of an action in the notation of the help. If the action has no key, returns its
 * command.
 */
export function keyName(context: Context, action: Action, keymap: Keymap = KEYMAP): string {
  const key = keymap[context].find((binding) => binding.action === action)?.keys[0];
  return key === undefined ? `:${action}` : keyLabel(key);
}
