import { type Context, KEYMAP, type Keymap } from "./keymap.ts";

/** What was typed behind `:`. */
export interface Command {
  name: string;
  /** All behind the name; empty without. */
  argument: string;
}

/** Commands with an argument; they are not actions of the keymap. */
export const COMMANDS: readonly { name: string; help: string }[] = [
  { name: "open", help: "go to a file or directory: CONTAINER:PATH, pid:N:PATH, a path" },
  { name: "tabopen", help: "the same in a new tab" },
  { name: "browse", help: "go to the files of a container or directory" },
  { name: "tab", help: "show the tab with this number" },
];

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

/** Names of commands with this prefix: actions of the keymap, and {@link COMMANDS}. */
export function commandNames(begun: string, contexts: readonly Context[], keymap: Keymap = KEYMAP): string[] {
  const actions = [...contexts, "global" as const].flatMap((context) => keymap[context].map(({ action }) => action));
  const others = COMMANDS.map(({ name }) => name);
  return [...new Set<string>([...actions, ...others])].filter((name) => name.startsWith(begun)).sort();
}
