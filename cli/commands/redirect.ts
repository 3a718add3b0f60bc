import type { Command } from "commander";
import { remoteEngine } from "../../src/engines/index.ts";
import { isPartOfSeveral } from "../elsewhere/part-of-several.ts";
import { splitEngine } from "../elsewhere/segments.ts";

/**
 * Runs a command on the machines of its engines, if an engine has another kernel or there are
 * several. Returns the exit status; undefined if the command runs in this process.
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
  // By ssh or TCP, no code for sockets and native calls is needed before the connection begins.
  const remote = remoteEngine(engine) ?? (await (await import("../elsewhere/forwarded.ts")).forwardedEngine(engine));
  if (remote === undefined) return undefined;
  // Loaded lazily: only commands for remote engines need its sockets and processes.
  return (await import("../elsewhere/send.ts")).send(remote, line);
}
