import { ENGINE_VARIABLES, type HelperPlace, runThere } from "../../src/elsewhere/index.ts";
import type { RemoteEngine } from "../../src/engines/index.ts";
import { copyHere, destinationHere } from "./copy-here.ts";
import { isOfThisMachine, operandsOf, sideOf } from "./operands.ts";
import { argumentsThere, placeOf } from "./place-of.ts";
import type { CommandLine } from "./segments.ts";
import { endAs, type InputUse, ownStreams } from "./streams.ts";
import { streamedInput, withStreamed } from "./with-streamed.ts";

/**
 * Runs a command on the machine of its engine. Returns the exit status; undefined if the command
 * runs on this machine, because its operands are local files.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION
 */
export async function send(remote: RemoteEngine, { command, args, version }: CommandLine): Promise<number | undefined> {
  const { image } = command.opts<{ image?: string }>();
  const name = command.name();
  const operands = operandsOf(command, args);
  const isHere = (text: string) => isOfThisMachine(text, name);
  const destination = name === "cp" ? destinationHere(operands, isHere, remote.address) : undefined;
  const sources = destination === undefined ? operands : operands.slice(0, -1);
  if (sideOf(sources, { name, engine: remote.address }) === "here") return undefined;
  const there = argumentsThere(destination === undefined ? args : args.toSpliced(args.lastIndexOf(destination), 1));
  const place = placeOf(remote, image, version);
  try {
    if (destination !== undefined)
      return await copyHere(place, {
        args: there,
        destination,
        replace: command.opts<{ force?: true }>().force === true,
      });
    const streamed = name === "with" ? streamedInput(operands, there) : undefined;
    if (streamed !== undefined) return await withStreamed(place, streamed);
    return await runOn(place, there, inputUse(name, operands));
  } finally {
    place.close();
  }
}

async function runOn(place: HelperPlace, args: readonly string[], use: InputUse): Promise<number> {
  const own = ownStreams(use, ENGINE_VARIABLES);
  try {
    const end = await runThere(place, args, own.streams);
    own.restore();
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
