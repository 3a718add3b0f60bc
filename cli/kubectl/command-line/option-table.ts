import { tableOf } from "../../elsewhere/option-table.ts";
import type { OptionTable } from "../../elsewhere/split-arguments.ts";
import { program } from "../../program/index.ts";

/** Returns the options of a porthole command. `-n` of ls stays kubectl's: the namespace. */
export function optionTable(command: string): OptionTable {
  const table = tableOf(program("", [command]).commands.find((one) => one.name() === command));
  if (command !== "ls") return table;
  const isOther = (flag: string) => flag === "-n";
  return {
    ...table,
    has: (flag) => !isOther(flag) && table.has(flag),
    find: (flag) => (isOther(flag) ? undefined : table.find(flag)),
  };
}
