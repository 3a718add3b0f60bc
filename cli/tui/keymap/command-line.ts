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

/**
 * A command line while it is completed: `before` is everything in front of what is completed,
 * blanks included.
 */
export interface CommandBeginning {
  before: string;
  /** The name of the command when its argument is completed; undefined while the name itself is. */
  command: string | undefined;
  begun: string;
}

export function parseBeginning(text: string): CommandBeginning {
  const [, lead = "", name = "", gap = "", argument = ""] = /^(\s*)(\S*)(\s*)(.*)$/s.exec(text) ?? [];
  if (gap === "") return { before: lead, command: undefined, begun: name };
  return { before: lead + name + gap, command: name, begun: argument };
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
