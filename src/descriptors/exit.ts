import { libc } from "./libc.ts";
import { isHungUp } from "./terminal.ts";

/**
 * Prepares the exit of this process, after all exit handlers. Idempotent.
 *
 * Closes standard output and standard error: koffi's destructors call fsync(2) on both, so a
 * command would otherwise wait until its output is on the disk. If the terminal was hung up, ends
 * without destructors: Node aborts when it cannot restore the modes of such a terminal, and koffi's
 * may wait for a thread that has ended.
 */
export function prepareExit(): void {
  if (isPrepared) return;
  isPrepared = true;
  const emit = process.emit.bind(process) as (name: string, ...values: unknown[]) => boolean;
  // An exit handler would run before handlers that are added later.
  process.emit = ((name: string, ...values: unknown[]) => {
    const isHandled = emit(name, ...values);
    if (name === "exit") {
      if ([0, 1, 2].some(isHungUp)) libc._exit(values[0] as number);
      for (const output of [1, 2]) libc.close(output);
    }
    return isHandled;
  }) as typeof process.emit;
}

let isPrepared = false;
