import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { BoundedBuffer } from "../engines/bounded-buffer.ts";
import { jsonOf, operate } from "../engines/docker-client.ts";
import type { Engine } from "../engines/engine.ts";
import { Refusal } from "../engines/refusal.ts";
import { PortholeError } from "../errors.ts";
import { AGENT_NAME, agentHash, agentProgram } from "./agent-program.ts";
import { ignoreMissing } from "./route-error.ts";
import { tarOf } from "./tar.ts";

/** Repository of the image that porthole makes of its agent; the tag is the agent's hash. By this name no engine asks a registry. */
const REPOSITORY = "localhost/porthole-agent";

/** The image of this build's agent. */
export function agentImage(): string {
  return `${REPOSITORY}:${agentHash()}`;
}

/** Imports the image FROM scratch that holds the agent and nothing else. Nothing is pulled. */
export async function importAgentImage(engine: Engine, signal: AbortSignal): Promise<void> {
  const archive = Readable.from([tarOf(AGENT_NAME, readFileSync(agentProgram()))]);
  const progress = new BoundedBuffer();
  await operate(engine, signal, async (docker) => {
    // The tag rides in `repo`: Podman 4.3 ignores the parameter `tag`.
    const lines = await docker.importImage(archive, { repo: agentImage() });
    // Not docker-modem's followProgress: what is no JSON it throws where nobody catches it.
    for await (const piece of lines) progress.append(piece as Buffer);
  });
  const failure = importFailure(progress.bytes.toString());
  if (failure !== undefined) throw new PortholeError("TARGET", `cannot import the agent's image: ${failure}`);
}

/** Why an import failed, in the engine's words: among the lines that tell of its progress, for its status was told before. Undefined when it went well. */
export function importFailure(progress: string): string | undefined {
  for (const line of progress.split("\n")) {
    try {
      const { error } = (JSON.parse(line) ?? {}) as { error?: unknown };
      if (typeof error === "string") return error;
    } catch {
      // A line that is no JSON tells of no failure.
    }
  }
  return undefined;
}

/**
 * Removes the agent's images, of every build, but those that a container runs.
 * @param label of the containers that may run one. Asked for here, because Podman's forced removal would take the containers along.
 */
export async function removeUnusedImages(engine: Engine, label: string, signal: AbortSignal): Promise<void> {
  const ofLabel = { filters: { label: [label] } };
  const running = jsonOf(await operate(engine, signal, (docker) => docker.listContainers(ofLabel))).list();
  const used = new Set(running.map((one) => digest(one.get("ImageID").text() ?? "")));
  const images = jsonOf(await operate(engine, signal, (docker) => docker.listImages())).list();
  for (const image of images) {
    const id = image.get("Id").text() ?? "";
    const tags = image.get("RepoTags").list();
    const isOurs = tags.some((tag) => tag.text()?.startsWith(`${REPOSITORY}:`));
    if (!isOurs || used.has(digest(id))) continue;
    await operate(engine, signal, (docker) => docker.getImage(encodeURIComponent(id)).remove({ force: true })).catch(
      (error) => isBeingRemoved(error) || ignoreMissing(error),
    );
  }
}

/** Docker (20.10) says so when two remove an image at the same moment. */
function isBeingRemoved(error: unknown): boolean {
  return error instanceof Refusal && error.status === 500 && /unrecognized image ID/.test(error.message);
}

/** Podman writes an image's id without its `sha256:`, sometimes. */
function digest(imageId: string): string {
  return imageId.replace(/^sha256:/, "");
}
