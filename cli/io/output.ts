import { writeSync } from "node:fs";
import { dieBySignal, isWritable } from "../../src/descriptors/index.ts";
import { complain, Exit } from "./fail.ts";

/**
 * Writes everything to standard output, waiting where its reader is slow; where it cannot be written the process ends: see {@link failOutput}. Not
 * process.stdout, which queues in memory without end.
 */
export function write(data: string | Uint8Array, status: number = Exit.file): void {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") failOutput(error, status);
      isWritable(1, -1);
    }
  }
}

/**
 * Ends the process when standard output cannot be written: by SIGPIPE when its reader has gone, as any other program,
 * else with one line, written by `tell`, and `status`.
 */
export function failOutput(
  error: unknown,
  status: number = Exit.file,
  tell = (reason: string) => complain(`write error: ${reason}`),
): never {
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message: string };
  if (code === "EPIPE" || errno === "EPIPE") dieBySignal("SIGPIPE");
  // Node: "ENOSPC: no space left on device, write"; the library: "write failed: No space left on device".
  const reason = (/: ([^,:]*)(?:, write)?$/.exec(message)?.[1] ?? message).trim();
  tell(`${reason.charAt(0).toUpperCase()}${reason.slice(1)}`);
  process.exit(status);
}
