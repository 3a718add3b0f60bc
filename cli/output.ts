import { writeSync } from "node:fs";
import { dieOf, isWritable } from "../src/index.ts";

/**
 * Writes everything to standard output, waiting where its reader is slow; when the reader is gone the process ends by SIGPIPE, as any other
 * program does. Not process.stdout, which queues in memory without end.
 */
export function write(data: string | Uint8Array): void {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") dieOf("SIGPIPE");
      if (code !== "EAGAIN") throw error;
      isWritable(1, -1);
    }
  }
}
