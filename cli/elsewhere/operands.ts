import type { Command } from "commander";
import { PortholeError } from "../../src/errors.ts";
import { parseSessionTarget } from "../../src/target.ts";
import { FlagSet, parseArguments } from "../grep/arguments.ts";
import { parsePattern } from "../targets/container-pattern.ts";
import { OF_CONTAINERS } from "./segments.ts";

/** The machine of an operand: this one, or the engine's. */
export type Side = "here" | "there";

/**
 * Determines on which machine a command runs. It runs on the engine's machine if an operand belongs
 * to the engine, or if it lists containers and has no operands. It runs on this machine if all
 * operands are local files and processes.
 * @throws PortholeError USAGE if the operands are on both machines
 */
export function sideOf(operands: readonly string[], { name, engine }: { name: string; engine: string }): Side {
  if (operands.length === 0) return LISTS.has(name) ? "there" : "here";
  const local = operands.find((text) => text !== "-" && isOfThisMachine(text, name));
  const remote = operands.find((text) => text !== "-" && !isOfThisMachine(text, name));
  if (remote === undefined) return "here";
  if (local === undefined) return "there";
  throw new PortholeError("USAGE", `'${local}' is on this machine, '${remote}' at ${engine}`, {
    hint: "copy one first: porthole cat TARGET > FILE",
  });
}

/** Commands that list the engine's containers when they have no operand. */
const LISTS = new Set(["browse", "ps"]);

/** True if the operand is a file or a process of this machine. */
export function isOfThisMachine(text: string, command: string): boolean {
  if (parsePattern(text, []) !== undefined) return false;
  try {
    const { kind } = OF_CONTAINERS.has(command) ? parseSessionTarget(text) : parsed(text);
    return kind === "local" || kind === "process";
  } catch {
    // The command reports invalid operands itself.
    return false;
  }
}

function parsed(text: string): { kind: string } {
  return /^[^/]*:|^[^/:.][^/:]*\/[^/:]+:/.test(text) ? parseSessionTarget(text) : { kind: "local" };
}

/**
 * The destination of a `cp`, if it is on this machine.
 * @throws PortholeError USAGE if a source is local and the destination is remote
 */
export function destinationHere(
  operands: readonly string[],
  isHere: (text: string) => boolean,
  address: string,
): string | undefined {
  const destination = operands.at(-1);
  if (destination === undefined || operands.length === 1) return undefined;
  if (isHere(destination)) return destination;
  const source = operands.slice(0, -1).find(isHere);
  if (source === undefined) return undefined;
  throw new PortholeError("USAGE", `cp cannot write '${source}' of this machine to ${address}`, {
    hint: `docker cp ${source} ${destination}`,
  });
}

/** The targets of a command line. */
export function operandsOf(command: Command, args: readonly string[]): string[] {
  const name = command.name();
  if (name === "grep") return searched(command.args);
  if (name === "find") return command.args.slice(0, expressionAt(command.args));
  if (name === "with") {
    const dashes = args.indexOf("--");
    return dashes === -1 ? command.args : command.args.slice(0, command.args.length - (args.length - dashes - 1));
  }
  // `open` takes start positions after the target.
  return name === "open" ? command.args.filter((word, index) => index === 0 || !word.startsWith("+")) : command.args;
}

function searched(args: readonly string[]): string[] {
  const { flags, operands } = parseArguments(args);
  return new FlagSet(flags).needsPattern ? operands.slice(1) : operands;
}

function expressionAt(args: readonly string[]): number {
  const at = args.findIndex((word) => /^[-(!]/.test(word));
  return at === -1 ? args.length : at;
}
