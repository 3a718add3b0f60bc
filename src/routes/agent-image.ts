import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { AGENT_NAME, agentHash, agentProgram } from "./agent-program.ts";
import { type Docker, ignoreMissing } from "./docker-client.ts";
import { tarOf } from "./tar.ts";

/** Repository of the image that porthole makes of its agent; the tag is the agent's hash. By this name no engine asks a registry. */
const REPOSITORY = "localhost/porthole-agent";

/** The image of this build's agent. */
export function agentImage(): string {
  return `${REPOSITORY}:${agentHash()}`;
}

/** Imports the image FROM scratch that holds the agent and nothing else. Nothing is pulled. */
export async function importAgentImage(docker: Docker, abortSignal: AbortSignal): Promise<void> {
  const archive = Readable.from([tarOf(AGENT_NAME, readFileSync(agentProgram()))]);
  // The tag rides in `repo`: Podman 4.3 ignores the parameter `tag`.
  const options = { repo: agentImage(), abortSignal };
  const progress = (await docker.importImage(archive, options)) as NodeJS.ReadableStream;
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

/**
 * Removes the agent's images, of every build, but those that a container runs.
 * @param label of the containers that may run one. Asked for here, because Podman's forced removal would take the containers along.
 */
export async function removeUnusedImages(docker: Docker, label: string, abortSignal: AbortSignal): Promise<void> {
  const running = await docker.listContainers({ filters: { label: [label] }, abortSignal });
  const used = new Set(running.map(({ ImageID }) => digest(ImageID)));
  for (const { Id, RepoTags } of await docker.listImages({ abortSignal })) {
    const isOurs = RepoTags?.some((tag) => tag.startsWith(`${REPOSITORY}:`)) === true;
    if (isOurs && !used.has(digest(Id))) {
      await docker
        .getImage(Id)
        .remove({ force: true, abortSignal })
        .catch((error) => isBeingRemoved(error) || ignoreMissing(error));
    }
  }
}

/** Docker (20.10) says so when two remove an image at the same moment. */
function isBeingRemoved(error: { statusCode?: number; message?: string }): boolean {
  return error.statusCode === 500 && /unrecognized image ID/.test(error.message ?? "");
}

/** Podman writes an image's id without its `sha256:`, sometimes. */
function digest(imageId: string): string {
  return imageId.replace(/^sha256:/, "");
}
