import { writeSync } from "node:fs";
import type { OwnedFd } from "../owned-fd.ts";
import { type WaitOptions, writable } from "../poll.ts";

/**
 * Writes all bytes to a pipe in non-blocking mode, and waits in the event loop while it is full.
 * Throws Node's error of write(2), such as EPIPE; CANCELLED as {@link writable} does.
 */
export async function writeAll(to: OwnedFd, bytes: Uint8Array, options?: WaitOptions): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(to.number, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await writable(to, options);
    }
  }
}
