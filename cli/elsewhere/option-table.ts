import type { Command } from "commander";
import { SHORT, WITH_VALUE } from "../grep/flags.ts";
import { OWN_OF_GREP } from "../grep/own-of-grep.ts";
import type { OptionTable } from "./split-arguments.ts";

/**
 * Returns the options of a porthole command, from its definition. For `grep` it adds ripgrep's
 * options.
 */
export function tableOf(defined: Command | undefined): OptionTable {
  const command = defined?.name();
  const options = new Map<string, { name: string; takesValue: boolean }>();
  for (const { short, long, required } of defined?.options ?? [])
    for (const flag of [short, long])
      if (flag) options.set(flag, { name: long?.slice(2) ?? flag.slice(1), takesValue: required });
  if (command === "grep") {
    const ours = [...OWN_OF_GREP.switches, ...OWN_OF_GREP.withValue];
    for (const [flag] of options) if (!ours.includes(flag.slice(2))) options.delete(flag);
    for (const [letter, name] of Object.entries(SHORT))
      options.set(`-${letter}`, { name, takesValue: WITH_VALUE.has(name) });
    for (const name of WITH_VALUE) options.set(`--${name}`, { name, takesValue: true });
  }
  return {
    has: (flag) => options.has(flag),
    find: (flag) => options.get(flag),
    stopsAtOperand: command === "find",
  };
}
