import { tableOf } from "../elsewhere/option-table.ts";
import type { OptionTable } from "../elsewhere/split-arguments.ts";
import { program } from "../program/index.ts";

/** Returns the options of a porthole command. */
export function optionTable(command: string): OptionTable {
  return tableOf(program("", [command]).commands.find((one) => one.name() === command));
}
