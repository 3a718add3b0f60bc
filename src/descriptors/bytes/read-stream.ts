import { readSync } from "node:fs";
import type { OwnedFd } from "../owned-fd.ts";
import { readable } from "../poll.ts";

const MAX_CHUNK = 64 * 1024;

/**
 * Yields the bytes of a pipe or socket as they arrive, until its end. Only for a descriptor that no
 * other process reads. Takes ownership of it, also if the iteration ends early.
 * @throws PortholeError CANCELLED through the signal
 */
export async function* readStream(fd: OwnedFd, signal?: AbortSignal): AsyncGenerator<Buffer, void, void> {
  try {
    for (;;) {
      await readable(fd, { signal });
      const bytes = Buffer.allocUnsafeSlow(MAX_CHUNK);
      const count = readSync(fd.number, bytes);
      if (count === 0) return;
      yield bytes.subarray(0, count);
    }
  } finally {
    fd.close();
  }
}
