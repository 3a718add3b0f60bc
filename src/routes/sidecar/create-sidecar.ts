import { setTimeout as delay } from "node:timers/promises";
import { type Docker, dockerRequest, jsonOf } from "../../engines/api/docker-client.ts";
import { EngineError } from "../../engines/api/engine-error.ts";
import { importAgentImage, isImageMissing } from "../agents/agent-image.ts";
import type { Rendezvous } from "../rendezvous/rendezvous.ts";
import type { RunDirectory } from "../run-directory/run-dir.ts";
import { CLEAN_UP_MS, removeOurs } from "./remove-sidecars.ts";
import { describeSidecar, type Sidecar, type SidecarOptions } from "./sidecar-description.ts";
import type { SidecarGuard } from "./sidecar-guard.ts";

/**
 * Creates the sidecar and returns its id. Imports the image if it is missing, and removes a
 * container that has the name.
 */
export async function createSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  name: string,
  rendezvous: Rendezvous,
  options: SidecarOptions & { over: AbortSignal; guard: SidecarGuard },
): Promise<string> {
  const { engine } = sidecar;
  // Without this split dockerode would also send the body in the query.
  const body: object = { _query: { name }, _body: describeSidecar(sidecar, run, rendezvous, options) };
  const settled = settling(options);
  for (let attempt = 0; ; attempt++) {
    try {
      const created = await dockerRequest(engine, settled, (docker) =>
        docker.createContainer(body as Docker.ContainerCreateOptions),
      );
      return jsonOf(created).get("Id").containerId();
    } catch (error) {
      if (!(error instanceof EngineError) || attempt === ATTEMPTS) throw error;
      const isNameTaken = error.status === 409 || /name .*(already )?in use|no such container/i.test(error.message);
      if (!isImageMissing(error) && !isNameTaken) throw error;
      // A killed start left the container, or it is ending now. No other start of this user is in
      // progress, because this process holds the lock.
      if (isNameTaken) await removeOurs(engine, name, run, options.over);
      // The image is not imported yet, or another user's `detach --all` has removed it meanwhile.
      else await importAgentImage(engine, options.over);
      // The engine may need a moment to release a name.
      if (attempt > 0) await delay(20 * attempt, undefined, { signal: options.over });
    }
  }
}

const ATTEMPTS = 8;

/**
 * Returns a signal that aborts a creation a moment after all other requests. An aborted request may
 * still create the container after the clean-up has looked for it. A response shows whether it
 * exists.
 */
function settling({ over }: { over: AbortSignal }): AbortSignal {
  const late = new AbortController();
  over.addEventListener("abort", () => setTimeout(() => late.abort(), CLEAN_UP_MS / 2).unref(), { once: true });
  return late.signal;
}
