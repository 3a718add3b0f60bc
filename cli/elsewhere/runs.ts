import { constants } from "node:os";
import { PassThrough } from "node:stream";
import { drained, type Place, type PlaceEnd, runThere, type Streams } from "../../src/elsewhere/index.ts";
import { exitStatus, report } from "../io/fail.ts";
import type { Interrupt } from "../io/interrupt.ts";
import { MARK_SIGNAL } from "../tail/line-record.ts";
import { killedThere } from "./killed.ts";
import type { RecordRun } from "./records/record-source.ts";

/** Maximum number of concurrent runs, each with its own connections. */
const MAX_AT_ONCE = 16;

/**
 * Runs a command in a place. Forwards this process's signals to it, and with `keys` the changes of
 * the terminal.
 * @param left when aborted, ends the command with SIGTERM
 * @param marks requests that the command receives as signals
 * @throws as runThere(); SESSION if the command was killed there
 */
export async function runInPlace(
  place: Place,
  args: readonly string[],
  streams: Streams,
  interrupt: Interrupt,
  left?: AbortSignal,
  marks?: MarkRequests,
): Promise<PlaceEnd> {
  const removals: (() => void)[] = [];
  const listen: Streams["listen"] = ({ resized, signalled }) => {
    const pass = (name: NodeJS.Signals) => signalled(constants.signals[name === "SIGPIPE" ? "SIGHUP" : name]);
    const leave = () => pass("SIGTERM");
    if (streams.input !== undefined) streams.listen({ resized, signalled: () => undefined });
    left?.addEventListener("abort", leave);
    if (left?.aborted) leave();
    marks?.onAsk(() => signalled(constants.signals[MARK_SIGNAL]));
    removals.push(interrupt.listen(pass), () => left?.removeEventListener("abort", leave));
  };
  try {
    const end = await runThere(place, args, { ...streams, listen });
    const killed = interrupt.received === undefined && !left?.aborted ? killedThere(place.name, end) : undefined;
    if (killed !== undefined) throw killed;
    return end;
  } finally {
    for (const remove of removals) remove();
  }
}

/**
 * One of several runs. `turn` resolves when the earlier runs have printed; `write` delays standard
 * output until then.
 */
export type OrderedRun = (write: Streams["write"], turn: Promise<unknown>) => Promise<PlaceEnd>;

/**
 * Starts up to {@link MAX_AT_ONCE} runs and prints their outputs one after another. Reports a
 * failed run in one line and continues. Returns the statuses.
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

/** A run whose standard output is records. `start` runs the command with the given streams. */
export function recordRun(
  own: Streams,
  start: (streams: Streams, output: PassThrough, marks: MarkRequests) => Promise<PlaceEnd>,
): RecordRun {
  const marks = new MarkRequests();
  const stdout = new PassThrough();
  const write = async (fd: 1 | 2, bytes: Buffer) => {
    if (fd === 2) return own.write(2, bytes);
    if (stdout.destroyed || stdout.write(bytes)) return;
    await drained(stdout);
  };
  const streams: Streams = { ...own, kinds: ["null", "pipe", own.kinds[2]], write };
  const ended = start(streams, stdout, marks).then(statusOf);
  return { stdout, askMark: () => marks.ask(), ended: ended.finally(() => stdout.end()) };
}

/** Requests for marks, for a command that may not have started. */
export class MarkRequests {
  #listener: () => void = () => undefined;

  ask(): void {
    this.#listener();
  }

  /** Call when the command has started. */
  onAsk(listener: () => void): void {
    this.#listener = listener;
  }
}

/** The exit status, as a shell reports it. */
export function statusOf(end: PlaceEnd): number {
  return "status" in end ? end.status : 128 + end.signal;
}
