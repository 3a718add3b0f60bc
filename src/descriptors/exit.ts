import { closeSync, constants, openSync } from "node:fs";
import { getFlags } from "./file.ts";
import { libc } from "./libc.ts";
import { isHungUp, isTerminal } from "./terminal.ts";

/**
 * Prepares the exit of this process, after all exit handlers. Idempotent.
 *
 * Ends without destructors, which take a millisecond or two, if no standard stream is changed: Node
 * restores the modes of terminals and O_NONBLOCK. Also if the terminal was hung up: Node aborts
 * when it cannot restore the modes of such a terminal, and koffi's destructors may wait for a
 * thread that has ended.
 *
 * Otherwise replaces standard output and standard error by /dev/null: koffi's destructors call
 * fsync(2) on both, so a command would wait until its output is on the disk. They are not closed,
 * because a worker thread that is starting would get their numbers, and libuv aborts if it has to
 * close a descriptor below 3.
 */
export function prepareExit(): void {
  if (isPrepared) return;
  isPrepared = true;
  const mustRestore = [0, 1, 2].some(isNonBlocking);
  const emit = process.emit.bind(process) as (name: string, ...values: unknown[]) => boolean;
  // An exit handler would run before handlers that are added later.
  process.emit = ((name: string, ...values: unknown[]) => {
    const isHandled = emit(name, ...values);
    if (name === "exit") {
      if ([0, 1, 2].some(isHungUp) || (!mustRestore && isUnchanged()))
        libc._exit(Number(process.exitCode ?? values[0] ?? 0));
      replaceOutputs();
    }
    return isHandled;
  }) as typeof process.emit;
}

let isPrepared = false;

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

/** True if Node has nothing to restore. A profiler or a debugger writes its results at the end. */
function isUnchanged(): boolean {
  if (process.execArgv.length > 0 || process.env.NODE_OPTIONS || process.env.NODE_V8_COVERAGE) return false;
  return [0, 1, 2].every((fd) => !isTerminal(fd) && !isNonBlocking(fd));
}

function isNonBlocking(fd: number): boolean {
  try {
    return (getFlags(fd) & constants.O_NONBLOCK) !== 0;
  } catch {
    // It was closed.
    return false;
  }
}
