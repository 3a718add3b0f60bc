import type { Command } from "commander";
import { ENGINE_VARIABLES, type HelperPlace, helperPlace, runThere } from "../../src/elsewhere/index.ts";
import type { RemoteEngine } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { Progress, progressLine } from "../io/progress.ts";
import { operandsOf, sideOf } from "./operands.ts";
import { endAs, type InputUse, ownStreams } from "./streams.ts";
import { streamedInput, withStreamed } from "./with-streamed.ts";

/** A parsed command line. */
export interface CommandLine {
  command: Command;
  args: readonly string[];
  version: string;
}

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

function placeOf(remote: RemoteEngine, image: string | undefined, version: string): HelperPlace {
  const progress = new Progress();
  return helperPlace(remote, {
    image,
    version,
    progress: (bytes, total) => {
      progress.show((elapsedMs, columns) =>
        `loading porthole's image there: ${progressLine({ bytes, total, elapsedMs }, columns)}`.slice(0, columns),
      );
      if (bytes >= total) progress.erase();
    },
  });
}

/** The screen, and the tools of `with`, read keys. */
function inputUse(name: string, operands: readonly string[]): InputUse {
  if (["open", "browse", "with"].includes(name)) return "keys";
  return operands.includes("-") ? "data" : "none";
}

/**
 * The same command line without the options that choose the engine.
 * @throws PortholeError USAGE for bytes that the engine's API cannot carry
 */
function argumentsThere(args: readonly string[]): string[] {
  const odd = args.find((arg) => /\p{Cs}/u.test(arg));
  if (odd !== undefined)
    throw new PortholeError("USAGE", `'${odd}' is not UTF-8, and the engine's API takes nothing else`, {
      hint: "use a pattern, such as ? for the byte",
    });
  const end = args.indexOf("--");
  const kept: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    const isOption = end === -1 || at < end;
    if (isOption && /^--(engine|image)$/.test(arg)) at++;
    else if (!isOption || !/^--(engine|image)=/.test(arg)) kept.push(arg);
  }
  return kept;
}

function noCopy([source = "TARGET"]: readonly string[], { address }: RemoteEngine): PortholeError {
  return new PortholeError("USAGE", `cp does not reach ${address}: its files are on another kernel`, {
    hint: `porthole cat ${source} > FILE copies a file, docker cp a directory`,
  });
}
