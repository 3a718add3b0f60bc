import { beginConnection } from "../../src/elsewhere/index.ts";
import type { RemoteEngine } from "../../src/engines/index.ts";
import { destinationHere, isOfThisMachine, operandsOf, sideOf } from "./operands.ts";
import type { CommandLine } from "./segments.ts";

/**
 * Runs a command on the machine of its engine. Returns the exit status; undefined if the command
 * runs on this machine, because its operands are local files.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION
 */
export async function send(remote: RemoteEngine, line: CommandLine): Promise<number | undefined> {
  const name = line.command.name();
  const operands = operandsOf(line.command, line.args);
  const isHere = (text: string) => isOfThisMachine(text, name);
  const destination = name === "cp" ? destinationHere(operands, isHere, remote.address) : undefined;
  const sources = destination === undefined ? operands : operands.slice(0, -1);
  if (sideOf(sources, { name, engine: remote.address }) === "here") return undefined;
  const begun = beginConnection(remote);
  try {
    if (name === "tail" && isFollow(line.command.opts()) && !operands.includes("-"))
      return await (await import("./tail-remote.ts")).tailRemote(remote, line, { operands, begun });
    return await (await import("./run-on.ts")).runOn(remote, line, { operands, destination, begun });
  } finally {
    begun?.end();
  }
}

function isFollow({ f, F, follow }: { f?: boolean; F?: boolean; follow?: string }): boolean {
  return f === true || F === true || follow !== undefined;
}
