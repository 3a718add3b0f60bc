import type { Command } from "commander";
import { type RemoteEngine, remoteEngine } from "../../src/engines/index.ts";
import { splitEngine } from "../elsewhere/segments.ts";
import { isPartOfSeveral } from "../io/part-of-several.ts";

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
  if (namesEngines(command.name(), args, engine)) return (await import("../elsewhere/spread.ts")).spread(line);
  const remote = await engineOf(engine);
  if (remote === undefined) return undefined;
  // Loaded lazily: only commands for remote engines need its sockets and processes.
  return (await import("../elsewhere/send.ts")).send(remote, line);
}

/** True if {@link redirect} would not run a command without options in this process. */
export async function isElsewhere(name: string, args: readonly string[]): Promise<boolean> {
  return namesEngines(name, args, undefined) || (await engineOf(undefined)) !== undefined;
}

function namesEngines(name: string, args: readonly string[], engine: string | undefined): boolean {
  return !isPartOfSeveral() && (engine === "all" || args.some((arg) => splitEngine(arg, name) !== undefined));
}

/** The engine on another kernel, by its address, until a command line without options is parsed. */
let found: { remote: RemoteEngine | undefined } | undefined;

/** Returns the engine of the command line if it is on another kernel. */
async function engineOf(engine: string | undefined): Promise<RemoteEngine | undefined> {
  // By ssh or TCP, no code for sockets and native calls is needed before the connection begins.
  found ??= {
    remote: remoteEngine(engine) ?? (await (await import("../elsewhere/forwarded.ts")).forwardedEngine(engine)),
  };
  return found.remote;
}
