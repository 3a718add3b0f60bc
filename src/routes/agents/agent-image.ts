import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { BoundedBuffer } from "../../engines/api/bounded-buffer.ts";
import { dockerRequest, jsonOf } from "../../engines/api/docker-client.ts";
import type { Engine } from "../../engines/api/engine.ts";
import { EngineError } from "../../engines/api/engine-error.ts";
import type { Json } from "../../engines/api/engine-json.ts";
import { PortholeError } from "../../errors.ts";
import { AGENT_NAME, agentHash, agentProgram } from "./agent-program.ts";
import { ignoreMissing } from "./route-error.ts";
import { tarArchive } from "./tar.ts";

/**
 * Repository of the agent's image; the tag is the agent's hash. No engine asks a registry for a
 * name under `localhost`.
 */
const REPOSITORY = "localhost/porthole-agent";

/** The image of this build's agent. */
export function agentImage(): string {
  return `${REPOSITORY}:${agentHash()}`;
}

/**
 * Imports the image FROM scratch, which contains only the agent. Does not pull.
 * @throws EngineError; PortholeError TARGET with the engine's message
 */
export async function importAgentImage(engine: Engine, signal: AbortSignal): Promise<void> {
  const archive = Readable.from([tarArchive(AGENT_NAME, readFileSync(agentProgram()))]);
  const progress = new BoundedBuffer();
  await dockerRequest(engine, signal, async (docker) => {
    // The tag is part of `repo`: Podman 4.3 ignores the parameter `tag`.
    const lines = await docker.importImage(archive, { repo: agentImage() });
    // Does not use docker-modem's followProgress, which throws outside of any promise if a line is
    // not JSON.
    for await (const piece of lines) progress.append(piece as Buffer);
  });
  const failure = importFailure(progress.bytes.toString());
  if (failure !== undefined) throw new PortholeError("TARGET", `cannot import the agent image: ${failure}`);
}

/**
 * The engine's error message in the progress of an import: the HTTP status was sent before.
 * Undefined if the import succeeded. API 1.52 has the message in `errorDetail` only.
 */
export function importFailure(progress: string): string | undefined {
  for (const line of progress.split("\n")) {
    try {
      const { error, errorDetail } = (JSON.parse(line) ?? {}) as {
        error?: unknown;
        errorDetail?: { message?: unknown };
      };
      for (const text of [error, errorDetail?.message]) if (typeof text === "string") return text;
    } catch {
      // A line that is not JSON reports no error.
    }
  }
  return undefined;
}

/**
 * Removes the agent's images of every build, except images in use, which the engine refuses to
 * remove. Removes by name and without force: Podman's forced removal also removes containers, even
 * those that another user created and has not started.
 */
export async function removeUnusedImages(engine: Engine, signal: AbortSignal): Promise<void> {
  for (const image of await listImages(engine, signal)) {
    const tags = image.get("RepoTags").list();
    const ours = tags.flatMap((tag) => tag.text() ?? []).filter((tag) => tag.startsWith(`${REPOSITORY}:`));
    for (const tag of ours)
      await dockerRequest(engine, signal, (docker) => docker.getImage(tag).remove()).catch(
        (error) => isImageMissing(error) || ignoreMissing(error),
      );
  }
}

/**
 * True if an engine failed because an image or a part of it does not exist: another user removed it
 * meanwhile. Docker and Podman report 500 if that happens during an operation.
 */
export function isImageMissing(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  return error.status === 404 || (error.status === 500 && MISSING.test(error.message));
}

const MISSING =
  /no such image|unrecognized image ID|(image|layer) not known|NotFound|(parent snapshot|content digest) .*(not found|does not exist)/i;

/** Number of attempts to list images, and milliseconds between them. */
const [LISTED, PAUSE_MS] = [20, 50];

/**
 * Docker's containerd store replies 404 to the whole list while a user removes one of its images.
 */
async function listImages(engine: Engine, signal: AbortSignal): Promise<Json[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return jsonOf(await dockerRequest(engine, signal, (docker) => docker.listImages())).list();
    } catch (error) {
      if (!isImageMissing(error) || attempt === LISTED) throw error;
      await delay(PAUSE_MS, undefined, { signal });
    }
  }
}
