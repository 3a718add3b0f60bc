import type { Command } from "commander";
import { engineElsewhere } from "../../src/engines/index.ts";
import { hasAgentsOf } from "../../src/routes/index.ts";

/**
 * Runs a command where its engine is, if that is on another kernel. Returns its exit status;
 * undefined if the command runs here.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION
 */
export async function redirect(
  command: Command,
  args: readonly string[],
  version: string,
): Promise<number | undefined> {
  const { engine } = command.opts<{ engine?: string }>();
  // With a live agent, a command of this machine connects to nothing else.
  const remote = await engineElsewhere(engine, process.env, hasAgentsOf);
  if (remote === undefined) return undefined;
  // Loaded here: it needs sockets and processes, which a command of this machine does without.
  return (await import("../elsewhere/send.ts")).send(remote, { command, args, version });
}
