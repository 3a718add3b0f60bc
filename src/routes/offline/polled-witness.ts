import { setTimeout as delay } from "node:timers/promises";
import { tryRead } from "../../descriptors/bytes/try-read.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { streamPair } from "../../descriptors/sockets/socket.ts";

/** Milliseconds between two requests. */
const INTERVAL_MS = 1_000;

/**
 * Returns a descriptor that becomes readable when `isUnchanged` resolves with false or fails, and
 * when this process ends. The caller owns it. Calls `isUnchanged` at intervals while any process
 * holds the descriptor. Does not keep this process alive.
 */
export function pollWitness(isUnchanged: () => Promise<boolean>): OwnedFd {
  const [ours, witness] = streamPair();
  void poll(ours, isUnchanged);
  return witness;
}

async function poll(ours: OwnedFd, isUnchanged: () => Promise<boolean>): Promise<void> {
  const nothing = Buffer.alloc(1);
  try {
    do await delay(INTERVAL_MS, undefined, { ref: false });
    while (tryRead(ours, nothing) !== 0 && (await isUnchanged()));
  } catch {
    // The state is unknown, as after a change.
  } finally {
    ours.close();
  }
}
