import { once } from "node:events";
import { constants } from "node:os";
import { PassThrough } from "node:stream";
import { type Place, type PlaceEnd, runThere, type Streams } from "../../src/elsewhere/index.ts";
import { exitStatus, report } from "../io/fail.ts";
import type { Interrupt } from "./interrupt.ts";
import type { RecordRun } from "./records/record-source.ts";

/** Runs that are begun at once, each with its connections. */
const MAX_AT_ONCE = 16;

/**
 * Runs a command in a place. It receives this process's signals, and with `keys` the changes of its
 * terminal.
 * @param left ends the command by SIGTERM
 * @throws as runThere()
 */
export async function runInPlace(
  place: Place,
  args: readonly string[],
  streams: Streams,
  interrupt: Interrupt,
  left?: AbortSignal,
): Promise<PlaceEnd> {
  const removals: (() => void)[] = [];
  const listen: Streams["listen"] = ({ resized, signalled }) => {
    const pass = (name: NodeJS.Signals) => signalled(constants.signals[name === "SIGPIPE" ? "SIGHUP" : name]);
    const leave = () => pass("SIGTERM");
    if (streams.input !== undefined) streams.listen({ resized, signalled: () => undefined });
    left?.addEventListener("abort", leave);
    if (left?.aborted) leave();
    removals.push(interrupt.listen(pass), () => left?.removeEventListener("abort", leave));
  };
  try {
    return await runThere(place, args, { ...streams, listen });
  } finally {
    for (const remove of removals) remove();
  }
}

/** One of several runs. Its output goes to `write`, which waits for its turn, as `turn` does. */
export type OrderedRun = (write: Streams["write"], turn: Promise<unknown>) => Promise<PlaceEnd>;

/**
 * Starts runs, several at once, and prints their outputs one after another. One that fails is one
 * line, and the others go on. Returns the statuses.
 */
export async function printInOrder(runs: readonly OrderedRun[], own: Streams, interrupt: Interrupt): Promise<number[]> {
  const statuses: number[] = [];
  const turns: Promise<unknown>[] = [Promise.resolve()];
  for (const [index, run] of runs.entries()) {
    const turn = turns[index] as Promise<unknown>;
    const write: Streams["write"] = (fd, bytes) =>
      fd === 1 ? turn.then(() => own.write(1, bytes)) : own.write(2, bytes);
    const start = async () => {
      await turns[Math.max(0, index - MAX_AT_ONCE)];
      return statusOf(await run(write, turn));
    };
    const done = start().then(
      (status) => statuses.push(status),
      (error: unknown) => {
        if (interrupt.received === undefined) report(error);
        statuses.push(exitStatus(error));
      },
    );
    turns.push(Promise.all([turn, done]));
  }
  await turns.at(-1);
  return statuses;
}

/** A run whose standard output is records. `start` runs it with the streams that it gets. */
export function recordRun(
  own: Streams,
  start: (streams: Streams, output: PassThrough) => Promise<PlaceEnd>,
): RecordRun {
  const stdout = new PassThrough();
  const write = async (fd: 1 | 2, bytes: Buffer) => {
    if (fd === 2) return own.write(2, bytes);
    if (!stdout.write(bytes)) await once(stdout, "drain");
  };
  const streams: Streams = { ...own, kinds: ["null", "pipe", own.kinds[2]], write };
  const ended = start(streams, stdout).then(statusOf);
  return { stdout, ended: ended.finally(() => stdout.end()) };
}

/** As of a shell. */
export function statusOf(end: PlaceEnd): number {
  return "status" in end ? end.status : 128 + end.signal;
}
