import type { Command } from "commander";
import { engineElsewhere } from "../../src/engines/index.ts";
import { hasAgentsOf } from "../../src/routes/index.ts";
import { isPartOfSeveral } from "../elsewhere/part-of-several.ts";
import { splitEngine } from "../elsewhere/segments.ts";

/**
 * Runs a command where its engines are, if they are on other kernels or several. Returns its exit
 * status; undefined if the command runs here.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION
 */
export async function redirect(
  command: Command,
  args: readonly string[],
  version: string,
): Promise<number | undefined> {
  const { engine } = command.opts<{ engine?: string }>();
  const line = { command, args, version };
  if (!isPartOfSeveral() && (engine === "all" || args.some((arg) => splitEngine(arg, command.name()) !== undefined)))
    return (await import("../elsewhere/spread.ts")).spread(line);
  // With a live agent, a command of this machine connects to nothing else.
  const remote = await engineElsewhere(engine, process.env, hasAgentsOf);
  if (remote === undefined) return undefined;
  // Loaded here: it needs sockets and processes, which a command of this machine does without.
  return (await import("../elsewhere/send.ts")).send(remote, line);
}
