import { constants } from "node:fs";
import { getFlags, isTerminal } from "./file.ts";
import { libc } from "./libc.ts";
import { isHungUp } from "./terminal.ts";

/**
 * Prepares the exit of this process, after all exit handlers. Idempotent.
 *
 * Ends without destructors, which take a millisecond or two, if no standard stream is changed: Node
 * restores the modes of terminals and O_NONBLOCK. Also if the terminal was hung up: Node aborts
 * when it cannot restore the modes of such a terminal, and koffi's destructors may wait for a
 * thread that has ended.
 *
 * Otherwise closes standard output and standard error: koffi's destructors call fsync(2) on both,
 * so a command would wait until its output is on the disk.
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
      for (const output of [1, 2]) libc.close(output);
    }
    return isHandled;
  }) as typeof process.emit;
}

let isPrepared = false;

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
