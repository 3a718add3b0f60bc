import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { BoundedBuffer } from "../engines/bounded-buffer.ts";
import { dockerRequest, jsonOf } from "../engines/docker-client.ts";
import type { Engine } from "../engines/engine.ts";
import { EngineError } from "../engines/engine-error.ts";
import type { Json } from "../engines/engine-json.ts";
import { PortholeError } from "../errors.ts";
import { AGENT_NAME, agentHash, agentProgram } from "./agent-program.ts";
import { ignoreMissing } from "./route-error.ts";
import { tarArchive } from "./tar.ts";

/** Repository of the image that porthole makes of its agent; the tag is the agent's hash. By this name no engine asks a registry. */
const REPOSITORY = "localhost/porthole-agent";

/** The image of this build's agent. */
export function agentImage(): string {
  return `${REPOSITORY}:${agentHash()}`;
}

/** Imports the image FROM scratch that holds the agent and nothing else. Nothing is pulled. */
export async function importAgentImage(engine: Engine, signal: AbortSignal): Promise<void> {
  const archive = Readable.from([tarArchive(AGENT_NAME, readFileSync(agentProgram()))]);
  const progress = new BoundedBuffer();
  await dockerRequest(engine, signal, async (docker) => {
    // The tag rides in `repo`: Podman 4.3 ignores the parameter `tag`.
    const lines = await docker.importImage(archive, { repo: agentImage() });
    // Not docker-modem's followProgress: what is no JSON it throws where nobody catches it.
    for await (const piece of lines) progress.append(piece as Buffer);
  });
  const failure = importFailure(progress.bytes.toString());
  if (failure !== undefined) throw new PortholeError("TARGET", `cannot import the agent's image: ${failure}`);
}

/**
 * Why an import failed, in the engine's words: among the lines that tell of its progress, for its status was told before.
 * Undefined when it went well. API 1.52 has the words in `errorDetail` alone.
 */
export function importFailure(progress: string): string | undefined {
  for (const line of progress.split("\n")) {
    try {
      const { error, errorDetail } = (JSON.parse(line) ?? {}) as {
        error?: unknown;
        errorDetail?: { message?: unknown };
      };
      for (const words of [error, errorDetail?.message]) if (typeof words === "string") return words;
    } catch {
      // A line that is no JSON tells of no failure.
    }
  }
  return undefined;
}

/**
 * Removes the agent's images, of every build, but those that a container uses: the engine refuses these. By name and without
 * force, because Podman's forced removal takes containers along, also those that another user has created and not started.
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
 * True for an engine's refusal because an image, or a part of it, is not there any more: another user removes it at the same
 * moment. Docker and Podman say 500 where that happens in the middle of an operation.
 */
export function isImageMissing(error: unknown): boolean {
  if (!(error instanceof EngineError)) return false;
  return error.status === 404 || (error.status === 500 && MISSING.test(error.message));
}

const MISSING =
  /no such image|unrecognized image ID|(image|layer) not known|NotFound|(parent snapshot|content digest) .*(not found|does not exist)/i;

/** Times that the list is asked for, and milliseconds between them. */
const [LISTED, PAUSE_MS] = [20, 50];

/** Docker's containerd store answers 404 for the whole list while anybody removes an image of it. */
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
