import { constants } from "node:os";
import type { Writable } from "node:stream";
import { spawnChild } from "../../src/descriptors/index.ts";
import { ENGINE_VARIABLES, type PlaceEnd, type SshConnection, type Streams } from "../../src/elsewhere/index.ts";
import { engineElsewhere, type RemoteEngine } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { Interrupt } from "../io/interrupt.ts";
import { PartVariable } from "../io/part-of-several.ts";
import { MARK_SIGNAL } from "../tail/line-record.ts";
import { argumentsThere, placeOf } from "./place-of.ts";
import { type MarkRequests, type OrderedRun, printInOrder, runInPlace } from "./runs.ts";
import { argumentsOf, combinedStatus, HERE, type Operand, type Segment } from "./segments.ts";
import { ownStreams } from "./streams.ts";

/** A command line over several engines. */
export interface SeveralLine {
  /** Its command, such as `cat`. */
  name: string;
  args: readonly string[];
  operands: readonly Operand[];
  segments: readonly Segment[];
  /** The exit status for engines that did not respond to a query for a name; 0 if all responded. */
  failed: number;
  /** The value of `--engine`, for operands without an engine. */
  engine: string | undefined;
  /** The value of `--image`. */
  image: string | undefined;
  version: string;
}

/**
 * Runs a command on several engines and prints the outputs in the order of the operands. Reports a
 * failed engine in one line and continues. Returns the exit status.
 */
export async function runInOrder(line: SeveralLine): Promise<number> {
  return withInterrupt(async (own, interrupt) => {
    const runs = line.segments.map(
      (segment, index): OrderedRun =>
        async (write, turn) => {
          const variables = partVariables(segment, index);
          const remote = await remoteOf(line, segment);
          const args = argumentsFor(line, segment, remote);
          if (remote !== undefined) return await runPart(line, remote, args, { ...own, write }, variables, interrupt);
          await turn;
          return await runHere(args, variables, interrupt);
        },
    );
    const statuses = await printInOrder(runs, own, interrupt);
    return combinedStatus(line.name, line.failed === 0 ? statuses : [line.failed, ...statuses]);
  });
}

/**
 * Forwards signals to every run of `action`, then ends by the first signal. Cancels runs that are
 * still connecting.
 */
export async function withInterrupt(action: (own: Streams, interrupt: Interrupt) => Promise<number>): Promise<number> {
  const own = ownStreams("none", {});
  const interrupt = new Interrupt();
  try {
    return await action(own.streams, interrupt);
  } finally {
    own.restore();
    interrupt.end();
  }
}

/**
 * The remote engine of a segment; undefined for local engines. @throws PortholeError USAGE, TARGET
 */
export async function remoteOf(line: SeveralLine, { engine }: Segment): Promise<RemoteEngine | undefined> {
  return engine === HERE ? undefined : engineElsewhere(engine ?? line.engine);
}

/** Returns the arguments for the run of a segment, with the options of porthole. */
export function argumentsFor(line: SeveralLine, segment: Segment, remote: RemoteEngine | undefined): string[] {
  const args = argumentsOf(line.args, line.operands, segment);
  if (remote !== undefined) return argumentsThere(args);
  const isNamed = segment.engine !== undefined && segment.engine !== HERE;
  const [name = "", ...rest] = isNamed ? argumentsThere(args) : args;
  return isNamed ? [name, "--engine", segment.engine as string, ...rest] : [name, ...rest];
}

/** Variables that tell a run to print as a part of one command. */
export function partVariables({ engine }: Segment, index: number): Record<string, string> {
  return { [PartVariable.engine]: engine ?? "", [PartVariable.isLater]: index > 0 ? "1" : "" };
}

/**
 * Runs a command on a remote engine.
 * @param begun the first connection, if it has begun
 * @throws as runThere()
 */
export async function runPart(
  { image, version }: Pick<SeveralLine, "image" | "version">,
  remote: RemoteEngine,
  args: readonly string[],
  streams: Streams,
  variables: Readonly<Record<string, string>>,
  interrupt: Interrupt,
  { marks, begun }: { marks?: MarkRequests; begun?: SshConnection | undefined } = {},
): Promise<PlaceEnd> {
  using place = placeOf(remote, { image, version, begun });
  const environment = { ...streams.environment, ...ENGINE_VARIABLES, ...variables };
  return await runInPlace(place, args, { ...streams, environment }, interrupt, undefined, marks);
}

/**
 * Runs a command in a local process with the standard streams of this process. `output` receives
 * its standard output instead.
 */
export async function runHere(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
  interrupt: Interrupt,
  { output, marks }: { output?: Writable; marks?: MarkRequests } = {},
): Promise<PlaceEnd> {
  const child = spawnChild(process.execPath, [process.argv[1] as string, ...args], {
    stdio: ["inherit", output === undefined ? "inherit" : "pipe", "inherit"],
    env: { ...process.env, ...variables, [PartVariable.parent]: String(process.pid) },
    // The terminal would signal the child too: only this process forwards signals.
    detached: true,
  });
  if (output !== undefined) child.stdout?.pipe(output, { end: false });
  const remove = interrupt.listen((name) => child.kill(name));
  marks?.onAsk(() => child.kill(MARK_SIGNAL));
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", (error) => reject(new PortholeError("TARGET", `cannot run porthole: ${error.message}`)));
      child.once("close", (status, signal) =>
        resolve(signal === null ? { status: status ?? 1 } : { signal: constants.signals[signal] }),
      );
    });
  } finally {
    remove();
  }
}
