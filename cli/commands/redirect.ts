import type { Command } from "commander";
import { engineElsewhere } from "../../src/engines/index.ts";

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
  const remote = await engineElsewhere(command.opts<{ engine?: string }>().engine);
  if (remote === undefined) return undefined;
  // Loaded here: it needs sockets and processes, which a command of this machine does without.
  return (await import("../elsewhere/send.ts")).send(remote, { command, args, version });
}
