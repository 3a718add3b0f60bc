import { writeSync } from "node:fs";
import type { Duplex } from "node:stream";
import { anySignal } from "../../descriptors/any-signal.ts";
import { readStream } from "../../descriptors/bytes/read-stream.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { demultiplex } from "../../engines/api/demultiplex.ts";
import type { HttpStream } from "../../engines/api/http.ts";
import { PortholeError, readOr } from "../../errors.ts";
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

/** The standard streams of an agent that an engine starts. */
export interface AgentStreams {
  write(text: string): void;
  /** Standard output and error with the engine's frames, until both end. */
  output: AsyncIterable<Buffer>;
  /** Ends {@link output}. */
  close(): void;
}

/** The streams over a connection of dockerode. */
export function streamsOf(stream: Duplex): AgentStreams {
  return { write: (text) => void stream.write(text), output: stream, close: () => stream.destroy() };
}

/** The streams over a connection of engines/exec.ts. Takes ownership of its socket. */
export function streamsOver({ socket, first }: HttpStream): AgentStreams {
  const over = new AbortController();
  const output = async function* () {
    yield first;
    yield* readStream(socket, over.signal);
  };
  const close = () => {
    over.abort(CLOSED);
    socket.close();
  };
  return { write: (text) => void writeSync(socket.number, text), output: output(), close };
}

/**
 * Sends the token over the agent's standard streams and accepts its connection. If the streams end
 * first, the error is what the agent wrote to standard error. Closes the streams.
 * @throws PortholeError ATTACH; CANCELLED through the signal
 */
export async function acceptOverStream(
  streams: AgentStreams,
  rendezvous: Rendezvous,
  listener: OwnedFd | undefined,
  isOurs: (peer: number) => Promise<boolean>,
  options: RendezvousOptions,
): Promise<ConnectedAgent> {
  const over = new AbortController();
  const signal = options.signal === undefined ? over.signal : anySignal([options.signal, over.signal]);
  let output = Buffer.alloc(0);
  const collect = async () => {
    for await (const chunk of streams.output)
      if (output.length < MAX_WORDS) output = Buffer.concat([output, chunk.subarray(0, MAX_WORDS)]);
  };
  // A connection that fails has ended, too.
  void collect()
    .catch(() => undefined)
    .finally(() => over.abort(CLOSED));
  try {
    readOr(undefined, () => streams.write(rendezvous.tokenLine));
    return await rendezvous.accept(listener, isOurs, { ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const text = demultiplex(output)
      .toString("latin1")
      .trim()
      .replace(/^porthole-agent: /, "");
    if (text !== "") throw new PortholeError("ATTACH", text, { cause: error });
    if (over.signal.aborted) throw new PortholeError("ATTACH", ENDED, { hint: WHY_ENDED, cause: error });
    throw error;
  } finally {
    streams.close();
  }
}

const ENDED = "the agent ended before it connected";
const WHY_ENDED = "a seccomp profile or a memory limit of the container may have killed it";

/** Node makes a DOMException for a signal without a reason, which takes 2 ms. */
const CLOSED = "closed";

/** Bytes of the agent's standard error that are stored, plus one chunk. */
const MAX_WORDS = 4_096;
