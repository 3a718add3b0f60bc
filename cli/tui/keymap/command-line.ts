import { type Context, KEYMAP, type Keymap } from "./keymap.ts";

/** A command typed after `:`. */
export interface Command {
  name: string;
  /** Text after the name; empty if there is none. */
  argument: string;
}

/** Commands with an argument; they are not actions of the keymap. */
export const COMMANDS: readonly { name: string; help: string }[] = [
  { name: "open", help: "go to a file or directory: CONTAINER:PATH, pid:N:PATH, a path" },
  { name: "tabopen", help: "the same in a new tab" },
  { name: "browse", help: "go to the files of a container or directory" },
  { name: "tab", help: "show the tab with this number" },
];

/** Splits a command line into a name and the text after it. */
export function parseCommand(text: string): Command {
  const [, name = "", argument = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(text) ?? [];
  return { name, argument };
}

/**
 * A command line during completion: `before` is the text before the completed word, blanks
 * included.
 */
export interface CommandBeginning {
  before: string;
  /**
   * Name of the command whose argument is completed; undefined while the name itself is completed.
   */
  command: string | undefined;
  begun: string;
}

export function parseBeginning(text: string): CommandBeginning {
  const [, lead = "", name = "", gap = "", argument = ""] = /^(\s*)(\S*)(\s*)(.*)$/s.exec(text) ?? [];
  if (gap === "") return { before: lead, command: undefined, begun: name };
  return { before: lead + name + gap, command: name, begun: argument };
}

/** Returns the command names with this prefix: actions of the keymap, and {@link COMMANDS}. */
export function commandNames(begun: string, contexts: readonly Context[], keymap: Keymap = KEYMAP): string[] {
  const actions = [...contexts, "global" as const].flatMap((context) => keymap[context].map(({ action }) => action));
  const others = COMMANDS.map(({ name }) => name);
  return [...new Set<string>([...actions, ...others])].filter((name) => name.startsWith(begun)).sort();
}
