import { ENGINE_VARIABLES, type HelperPlace, runThere } from "../../src/elsewhere/index.ts";
import type { RemoteEngine } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { operandsOf, sideOf } from "./operands.ts";
import { argumentsThere, placeOf } from "./place-of.ts";
import type { CommandLine } from "./segments.ts";
import { endAs, type InputUse, ownStreams } from "./streams.ts";
import { streamedInput, withStreamed } from "./with-streamed.ts";

/**
 * Runs a command on the machine of its engine. Returns its exit status; undefined if the command
 * runs here, because its operands are files of this machine.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION
 */
export async function send(remote: RemoteEngine, { command, args, version }: CommandLine): Promise<number | undefined> {
  const { image } = command.opts<{ image?: string }>();
  const name = command.name();
  const operands = operandsOf(command, args);
  if (sideOf(operands, { name, engine: remote.address }) === "here") return undefined;
  if (name === "cp") throw noCopy(operands, remote);
  const there = argumentsThere(args);
  const place = placeOf(remote, image, version);
  try {
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

/** The screen, and the tools of `with`, read keys. */
function inputUse(name: string, operands: readonly string[]): InputUse {
  if (["open", "browse", "with"].includes(name)) return "keys";
  return operands.includes("-") ? "data" : "none";
}

function noCopy([source = "TARGET"]: readonly string[], { address }: RemoteEngine): PortholeError {
  return new PortholeError("USAGE", `cp cannot copy from ${address}: its files are on another kernel`, {
    hint: `porthole cat ${source} > FILE copies a file, docker cp a directory`,
  });
}
