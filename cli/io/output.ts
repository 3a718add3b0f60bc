import { writeSync } from "node:fs";
import { dieBySignal, isWritable } from "../../src/descriptors/index.ts";
import { complain, Exit } from "./fail.ts";

/**
 * Writes all bytes to standard output and waits for a slow reader. Ends the process if the write
 * fails: see {@link failOutput}. Does not use process.stdout, which queues in memory without limit.
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
 * Ends the process after a failed write to standard output. If the reader closed the pipe, ends by
 * SIGPIPE, as other programs do. Otherwise `tell` writes one line, and the process ends with
 * `status`.
 */
export function failOutput(
  error: unknown,
  status: number = Exit.file,
  tell = (reason: string) => complain(`write error: ${reason}`),
): never {
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message: string };
  if (code === "EPIPE" || errno === "EPIPE") dieBySignal("SIGPIPE");
  // Node's message is "ENOSPC: no space left on device, write"; the library's is "write failed: No
  // space left on device".
  const reason = (/: ([^,:]*)(?:, write)?$/.exec(message)?.[1] ?? message).trim();
  tell(`${reason.charAt(0).toUpperCase()}${reason.slice(1)}`);
  process.exit(status);
}
