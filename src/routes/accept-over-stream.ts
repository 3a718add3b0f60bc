import type { Duplex } from "node:stream";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { demultiplex } from "../engines/demultiplex.ts";
import { PortholeError } from "../errors.ts";
import type { ConnectedAgent, Rendezvous, RendezvousOptions } from "./rendezvous.ts";

/** How an agent is to be started. */
export interface StartOptions extends RendezvousOptions {
  /** `--user` for the mount route; empty for root. */
  user: string;
  /** Seconds without a client after which the agent ends. */
  idleSeconds: number;
}

/** What an agent is told when an engine starts it. */
export function agentOptions(rendezvous: Rendezvous, options: StartOptions): string[] {
  return ["--socket", rendezvous.insidePath, "--token-stdin", "--idle", String(options.idleSeconds)];
}

/** Sends the token over an agent's standard streams and waits for it; if its stream ends first, its last words are the error. */
export async function acceptOverStream(
  stream: Duplex,
  rendezvous: Rendezvous,
  listener: OwnedFd | undefined,
  isOurs: (peer: number) => Promise<boolean>,
  options: RendezvousOptions,
): Promise<ConnectedAgent> {
  let words = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    if (words.length < MAX_WORDS) words = Buffer.concat([words, chunk.subarray(0, MAX_WORDS)]);
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
    const text = demultiplex(words)
      .toString("latin1")
      .trim()
      .replace(/^porthole-agent: /, "");
    if (text !== "") throw new PortholeError("ATTACH", text, { cause: error });
    if (over.signal.aborted) throw new PortholeError("ATTACH", "the agent ended before it reported", { cause: error });
    throw error;
  } finally {
    stream.destroy();
  }
}

/** Bytes of an agent's last words that are kept, and a few more. */
const MAX_WORDS = 4_096;
