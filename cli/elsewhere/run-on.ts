import { ENGINE_VARIABLES, type HelperPlace, runThere, type SshConnection } from "../../src/elsewhere/index.ts";
import type { RemoteEngine } from "../../src/engines/index.ts";
import { report } from "../io/fail.ts";
import { prefixVariables } from "../io/part-of-several.ts";
import { copyHere } from "./copy-here.ts";
import { killedThere } from "./killed.ts";
import { argumentsThere, placeOf } from "./place-of.ts";
import type { CommandLine } from "./segments.ts";
import { endAs, type InputUse, type OwnStreams, ownStreams } from "./streams.ts";
import { streamedInput, withStreamed } from "./with-streamed.ts";

/** What {@link runOn} knows of a command line. */
export interface RemoteLine {
  operands: readonly string[];
  /** The destination of a `cp`, if it is on this machine. */
  destination: string | undefined;
  /** The connection that has begun. */
  begun: SshConnection | undefined;
}

/**
 * Runs a command on the machine of its engine. Returns the exit status.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION
 */
export async function runOn(
  remote: RemoteEngine,
  { command, args, version, named }: CommandLine,
  { operands, destination, begun }: RemoteLine,
): Promise<number> {
  const { image, force } = command.opts<{ image?: string; force?: true }>();
  const name = command.name();
  const there = argumentsThere(destination === undefined ? args : args.toSpliced(args.lastIndexOf(destination), 1));
  using place = placeOf(remote, { image, version, begun });
  const variables = { ...ENGINE_VARIABLES, ...prefixVariables(named) };
  if (destination !== undefined)
    return await copyHere(place, { args: there, destination, replace: force === true, variables });
  const streamed = name === "with" ? streamedInput(operands, there) : undefined;
  const status = streamed && (await withStreamed(place, streamed, variables));
  if (status !== undefined) return status;
  return await runIn(place, there, name, ownStreams(inputUse(name, operands), variables));
}

async function runIn(place: HelperPlace, args: readonly string[], name: string, own: OwnStreams): Promise<number> {
  try {
    const end = await runThere(place, args, own.streams);
    own.restore();
    const killed = killedThere(place.name, end, own.received);
    if (killed !== undefined && name !== "with") throw killed;
    // The command of `with` may have ended by the signal: porthole then ends by it too.
    if (killed !== undefined) report(killed);
    return endAs(end);
  } finally {
    own.restore();
  }
}

/** Determines how a command uses standard input: the screen, and the tools of `with`, read keys. */
function inputUse(name: string, operands: readonly string[]): InputUse {
  if (["open", "browse", "with"].includes(name)) return "keys";
  return operands.includes("-") ? "data" : "none";
}
