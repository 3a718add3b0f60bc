import { libc } from "./libc.ts";

/**
 * Closes standard output and standard error when this process exits, after all exit handlers.
 * koffi's destructors call fsync(2) on both, so a command would otherwise wait until its output is
 * on the disk. Idempotent.
 */
export function closeOutputsAtExit(): void {
  if (isPrepared) return;
  isPrepared = true;
  const emit = process.emit.bind(process) as (name: string, ...values: unknown[]) => boolean;
  // An exit handler would run before handlers that are added later.
  process.emit = ((name: string, ...values: unknown[]) => {
    const isHandled = emit(name, ...values);
    if (name === "exit") for (const output of [1, 2]) libc.close(output);
    return isHandled;
  }) as typeof process.emit;
}

let isPrepared = false;
