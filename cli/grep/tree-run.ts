import {
  endStream,
  type OwnedFd,
  readStream,
  spawnProgram,
  streamPair,
  writeAll,
} from "../../src/descriptors/index.ts";
import type { PortholeError } from "../../src/errors.ts";
import { agentProgram } from "../../src/routes/index.ts";
import { commandBytes, type Launch, launchArguments, launchError, readyLine } from "../with/launcher.ts";
import { type Ripgrep, startPiped } from "./ripgrep.ts";

/** A run of ripgrep below trees. */
export interface TreeRun {
  child: Ripgrep;
  /**
   * Resolves when ripgrep has been executed, with the error of each file whose path in a tree
   * cannot be opened.
   * @throws PortholeError as runLaunched
   */
  started: Promise<ReadonlyMap<number, PortholeError>>;
}

/**
 * Starts a command below trees, without its terminal. Unlike runLaunched, sends the command before
 * the trees are attached, which saves a wait. So the command also runs if a file cannot be opened:
 * the caller then discards the output.
 * @throws PortholeError FILE with the errno if the launcher cannot be started
 */
export function startOnTrees(launch: Launch, command: readonly string[]): TreeRun {
  const [ours, theirs] = streamPair();
  try {
    const inherited = [theirs.number];
    const options = launchArguments(launch, (fd) => inherited.push(fd) && fd);
    const args = ["run", "--host", String(theirs.number), ...options];
    const child = startPiped({ input: "inherit", output: "pipe" }, (streams) =>
      spawnProgram(agentProgram(), args, { streams, inherited, environment: process.env }),
    );
    return { child, started: converse(ours, launch, command) };
  } catch (error) {
    ours.close();
    throw error;
  } finally {
    theirs.close();
  }
}

/** Sends the command, and reads the launcher's lines to their end. */
async function converse(
  host: OwnedFd,
  launch: Launch,
  command: readonly string[],
): Promise<ReadonlyMap<number, PortholeError>> {
  const sent = writeAll(host, commandBytes(command)).then(() => endStream(host));
  // The launcher may end before it receives the command: its lines report why.
  sent.catch(() => undefined);
  let text = "";
  try {
    for await (const bytes of readStream(host)) text += bytes.toString();
  } catch {
    // It ended without a read of the command (ECONNRESET).
  }
  const [ready = "", failure = ""] = text.split("\n").map((line) => line.replace(/^porthole-agent: /, ""));
  const refused = readyLine(ready, launch);
  if (failure !== "") throw launchError(failure, command);
  return refused;
}
