import type { Command } from "commander";
import { PortholeError } from "../../src/errors.ts";
import { tableOf } from "../elsewhere/option-table.ts";

/**
 * Returns the error for options before a command, as `docker -H` has them: `porthole --engine X ls
 * web:/`. Undefined if the first operand is no command: then the screen opens.
 * @param root defines all commands
 */
export function optionsBeforeCommand(args: readonly string[], root: Command): PortholeError | undefined {
  const commandOf = (name: string | undefined) => root.commands.find((one) => one.name() === name);
  const screen = tableOf(commandOf("browse"));
  let at = 0;
  while (args[at]?.startsWith("-")) at += screen.find(args[at] as string)?.takesValue ? 2 : 1;
  const name = args[at];
  if (name === undefined || commandOf(name) === undefined) return undefined;
  const line = ["porthole", name, ...args.slice(0, at), ...args.slice(at + 1)].join(" ");
  return new PortholeError("USAGE", `'${args[0]}' is before the command '${name}'`, {
    hint: `options go after the command: ${line}`,
  });
}
