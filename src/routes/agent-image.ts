import { readFileSync } from "node:fs";
import { PortholeError } from "../errors.ts";
import { AGENT_NAME, agentHash, agentProgram } from "./agent-program.ts";
import type { Engine } from "./engine.ts";
import { call, jsonOf, Refusal } from "./engine-call.ts";
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
  const archive = tarOf(AGENT_NAME, readFileSync(agentProgram()));
  // The tag rides in `repo`: Podman 4.3 ignores the parameter `tag`.
  const path = `/images/create?fromSrc=-&repo=${encodeURIComponent(agentImage())}`;
  const { text } = await call(engine, "POST", path, { archive, signal });
  const failure = importFailure(text);
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
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
  const running = jsonOf(await call(engine, "GET", `/containers/json?filters=${filters}`, { signal })).list();
  const used = new Set(running.map((one) => digest(one.get("ImageID").text() ?? "")));
  const images = jsonOf(await call(engine, "GET", "/images/json", { signal })).list();
  for (const image of images) {
    const id = image.get("Id").text() ?? "";
    const tags = image.get("RepoTags").list();
    const isOurs = tags.some((tag) => tag.text()?.startsWith(`${REPOSITORY}:`));
    if (!isOurs || used.has(digest(id))) continue;
    await call(engine, "DELETE", `/images/${encodeURIComponent(id)}?force=true`, { signal }).catch(
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
