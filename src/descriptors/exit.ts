import { libc } from "./libc.ts";

/**
 * Closes standard output and standard error at the end of this process, after all handlers of its
 * exit. koffi's destructors call fsync(2) on both: a command would wait until the disk has all of
 * its output. Idempotent.
 */
export function closeOutputsAtExit(): void {
  if (isPrepared) return;
  isPrepared = true;
  const emit = process.emit.bind(process) as (name: string, ...values: unknown[]) => boolean;
  // A handler would run before those that are added later.
  process.emit = ((name: string, ...values: unknown[]) => {
    const isHandled = emit(name, ...values);
    if (name === "exit") for (const output of [1, 2]) libc.close(output);
    return isHandled;
  }) as typeof process.emit;
}

let isPrepared = false;
