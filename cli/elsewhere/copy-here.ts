import { statSync } from "node:fs";
import { type HelperPlace, runThere } from "../../src/elsewhere/index.ts";
import { pathBytes } from "../../src/target.ts";
import { ReceivedCopies } from "../cp/received-copies.ts";
import { exitStatus, report } from "../io/fail.ts";
import { killedThere } from "./killed.ts";
import { endAs, ownStreams } from "./streams.ts";

/** A `cp` from a remote engine. */
export interface CopyLine {
  /** The command line for the remote porthole: `cp` with its options and sources. */
  args: readonly string[];
  /** The destination on this machine. */
  destination: string;
  /** `-f`: replaces existing files. */
  replace: boolean;
  /** Environment of the command there. */
  variables: Readonly<Record<string, string>>;
}

/** Copies to this machine the files that porthole sends from a place. Returns the exit status. */
export async function copyHere(
  place: HelperPlace,
  { args, destination, replace, variables }: CopyLine,
): Promise<number> {
  const [, ...rest] = args;
  const isDirectory = statSync(pathBytes(destination), { throwIfNoEntry: false })?.isDirectory() === true;
  const there = ["__copies", ...(isDirectory ? [] : ["--one"]), ...rest];
  let status = 0;
  const failed = (error: unknown) => {
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  const own = ownStreams("none", variables);
  const [, , error] = own.streams.kinds;
  using copies = new ReceivedCopies({ path: destination, replace, failed });
  try {
    const end = await runThere(place, there, {
      ...own.streams,
      kinds: ["null", "pipe", error],
      write: (fd, bytes) => (fd === 1 ? copies.take(bytes) : own.streams.write(2, bytes)),
    });
    own.restore();
    copies[Symbol.dispose]();
    const killed = killedThere(place.name, end, own.received);
    if (killed !== undefined) throw killed;
    return Math.max(status, endAs(end));
  } finally {
    own.restore();
  }
}
