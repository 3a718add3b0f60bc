import { Readable } from "node:stream";
import { BoundedBuffer } from "../engines/api/bounded-buffer.ts";
import { dockerRequest } from "../engines/api/docker-client.ts";
import { type Engine, unreachable } from "../engines/api/engine.ts";
import { EngineError } from "../engines/api/engine-error.ts";
import { messageOf, PortholeError } from "../errors.ts";
import { importFailure } from "../routes/agents/agent-image.ts";
import { type InstallationImage, imagePieces } from "./image.ts";

export interface LoadOptions {
  signal: AbortSignal;
  /** Receives the number of bytes sent so far. */
  sent: (bytes: number) => void;
}

/**
 * Loads an image into an engine under the name `tag`. Does not pull.
 * @throws PortholeError TARGET with the engine's message; the connection's error; CANCELLED
 */
export async function loadImage(
  engine: Engine,
  image: InstallationImage,
  tag: string,
  options: LoadOptions,
): Promise<void> {
  const progress = new BoundedBuffer();
  try {
    await dockerRequest(engine, options.signal, async (docker) => {
      const lines = await docker.loadImage(Readable.from(copies(image, tag, options.sent)), { quiet: true });
      for await (const piece of lines) progress.append(piece as Buffer);
    });
  } catch (error) {
    if (!(error instanceof PortholeError)) throw unreachable(engine, error);
    if (!(error instanceof EngineError)) throw error;
    throw refused(engine, messageOf(error));
  }
  const failure = importFailure(progress.bytes.toString());
  if (failure !== undefined) throw refused(engine, failure);
}

function refused(engine: Engine, why: string): PortholeError {
  return new PortholeError("TARGET", `the engine at ${engine.socketPath} cannot load the image: ${why}`);
}

/** Copies each piece: a stream queues pieces, and {@link imagePieces} reuses its buffer. */
function* copies(image: InstallationImage, tag: string, sent: (bytes: number) => void): Generator<Buffer, void, void> {
  let bytes = 0;
  for (const piece of imagePieces(image, tag)) {
    yield Buffer.from(piece);
    bytes += piece.length;
    sent(bytes);
  }
}
