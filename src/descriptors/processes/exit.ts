import { closeSync, constants, openSync } from "node:fs";
import { getFlags, setNonBlocking } from "../files/file.ts";
import { libc } from "../libc.ts";
import { isHungUp, terminalModes } from "../terminal/terminal.ts";

/**
 * Prepares the exit of this process, after all exit handlers. Idempotent.
 *
 * Ends without destructors if no standard stream is changed: Node restores the modes of terminals
 * and O_NONBLOCK. Destructors take a millisecond or two. They wait for threads, which may be
 * waiting themselves, or have ended. Also if the terminal was hung up: Node aborts when it cannot
 * restore the modes of such a terminal.
 *
 * Otherwise replaces standard output and standard error by /dev/null: koffi's destructors call
 * fsync(2) on both, so a command would wait until its output is on the disk. They are not closed: a
 * worker thread that is starting would get their numbers. libuv aborts if it has to close a
 * descriptor below 3.
 */
export function prepareExit(): void {
  if (isPrepared) return;
  isPrepared = true;
  const mustRestore = STREAMS.some(isNonBlocking);
  const modes = STREAMS.map(terminalModes);
  const emit = process.emit.bind(process) as (name: string, ...values: unknown[]) => boolean;
  // An exit handler would run before handlers that are added later.
  process.emit = ((name: string, ...values: unknown[]) => {
    const isHandled = emit(name, ...values);
    if (name === "exit") {
      if (STREAMS.some(isHungUp) || (!mustRestore && !hasResults() && STREAMS.every((fd) => isAsBefore(fd, modes[fd]))))
        libc._exit(Number(process.exitCode ?? values[0] ?? 0));
      replaceOutputs();
    }
    return isHandled;
  }) as typeof process.emit;
}

let isPrepared = false;

const STREAMS = [0, 1, 2];

function replaceOutputs(): void {
  let nowhere: number;
  try {
    nowhere = openSync("/dev/null", "r+");
  } catch {
    return; // No descriptor is left. The end takes longer.
  }
  for (const output of [1, 2]) libc.dup3(nowhere, output, 0);
  closeSync(nowhere);
}

/** True if a profiler or a debugger may write its results at the end. */
function hasResults(): boolean {
  return process.execArgv.length > 0 || Boolean(process.env.NODE_OPTIONS) || Boolean(process.env.NODE_V8_COVERAGE);
}

/** True if Node has nothing to restore of a stream, which was blocking. */
function isAsBefore(fd: number, modes: string | undefined): boolean {
  if (terminalModes(fd) !== modes) return false;
  if (!isNonBlocking(fd)) return true;
  if (modes === undefined) return false;
  // Node's streams do that to a terminal.
  setNonBlocking(fd, false);
  return true;
}

function isNonBlocking(fd: number): boolean {
  try {
    return (getFlags(fd) & constants.O_NONBLOCK) !== 0;
  } catch {
    // It was closed.
    return false;
  }
}
