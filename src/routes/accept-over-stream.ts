import type { Duplex } from "node:stream";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { demultiplex } from "../engines/demultiplex.ts";
import { PortholeError } from "../errors.ts";
import type { ConnectedAgent, Rendezvous, RendezvousOptions } from "./rendezvous.ts";

/** Options of an agent's start. */
export interface StartOptions extends RendezvousOptions {
  /** `--user` of the mount route; empty for root. */
  user: string;
  /** Seconds without a client after which the agent ends. */
  idleSeconds: number;
  /** Devices of the target's overlays that the engine mounted. */
  overlays?: readonly string[];
}

/** Arguments that tell the agent which overlays it need not relay. */
export function overlayOptions(devices: readonly string[]): string[] {
  return devices.flatMap((device) => ["--overlay", device]);
}

/** The agent's arguments when an engine starts it. */
export function agentOptions(rendezvous: Rendezvous, options: StartOptions): string[] {
  const { idleSeconds, overlays = [] } = options;
  return [
    "--socket",
    rendezvous.insidePath,
    "--token-stdin",
    "--idle",
    String(idleSeconds),
    ...overlayOptions(overlays),
  ];
}

/**
 * Sends the token over the agent's standard streams and accepts its connection. If the stream ends
 * first, the error is what the agent wrote to standard error.
 * @throws PortholeError ATTACH; CANCELLED through the signal
 */
export async function acceptOverStream(
  stream: Duplex,
  rendezvous: Rendezvous,
  listener: OwnedFd | undefined,
  isOurs: (peer: number) => Promise<boolean>,
  options: RendezvousOptions,
): Promise<ConnectedAgent> {
  let output = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    if (output.length < MAX_WORDS) output = Buffer.concat([output, chunk.subarray(0, MAX_WORDS)]);
  });
  const over = new AbortController();
  const signal = options.signal === undefined ? over.signal : AbortSignal.any([options.signal, over.signal]);
  for (const event of ["error", "end", "close"]) stream.on(event, () => over.abort());
  if (stream.destroyed) over.abort();
  try {
    stream.write(rendezvous.tokenLine);
    return await rendezvous.accept(listener, isOurs, { ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const text = demultiplex(output)
      .toString("latin1")
      .trim()
      .replace(/^porthole-agent: /, "");
    if (text !== "") throw new PortholeError("ATTACH", text, { cause: error });
    if (over.signal.aborted) throw new PortholeError("ATTACH", "the agent ended before it connected", { cause: error });
    throw error;
  } finally {
    stream.destroy();
  }
}

/** Bytes of the agent's standard error that are stored, plus one chunk. */
const MAX_WORDS = 4_096;
