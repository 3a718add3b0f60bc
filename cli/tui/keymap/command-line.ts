import { type Action, type Context, KEYMAP, type Keymap } from "./keymap.ts";

/** What was typed behind `:`. */
export interface Command {
  name: string;
  /** All behind the name; empty without. */
  argument: string;
}

/** Takes a command line apart: a name, and everything behind the blanks after it. */
export function parseCommand(text: string): Command {
  const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(text) ?? [];
  return { name, argument };
}

/** What a key does in `contexts` can be asked for by its name as well. */
export function actionNamed(name: string, contexts: readonly Context[], keymap: Keymap = KEYMAP): Action | undefined {
  for (const context of [...contexts, "global" as const])
    for (const { action } of keymap[context]) if (action === name) return action;
  return undefined;
}

/** Names of commands that begin so: those of keys, and `others`. */
export function commandNames(
  begun: string,
  contexts: readonly Context[],
  others: readonly string[],
  keymap: Keymap = KEYMAP,
): string[] {
  const actions = [...contexts, "global" as const].flatMap((context) => keymap[context].map(({ action }) => action));
  return [...new Set<string>([...actions, ...others])].filter((name) => name.startsWith(begun)).sort();
}
