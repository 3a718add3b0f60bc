import { setTimeout as delay } from "node:timers/promises";
import { dockerRequest, jsonOf } from "../../engines/api/docker-client.ts";
import type { Engine } from "../../engines/api/engine.ts";
import { EngineError } from "../../engines/api/engine-error.ts";
import { SIDECAR_LABEL } from "../../engines/containers/container-list.ts";
import { PortholeError } from "../../errors.ts";
import { removeUnusedImages } from "../agents/agent-image.ts";
import { ignoreMissing, isMissing } from "../agents/route-error.ts";
import { type RunDirectory, runDirectoryPaths } from "../run-directory/run-dir.ts";
import { OWNER_LABEL, START_LABEL } from "./sidecar-description.ts";

/** Maximum milliseconds to remove an unfinished or unused sidecar. */
export const CLEAN_UP_MS = 5_000;

/**
 * Removes this user's sidecars from an engine: the sidecars of one target, by its id, or all
 * sidecars. In the second case also removes the agent's images, unless a container uses one.
 * @throws the engine's failure
 */
export async function removeSidecars(engine: Engine, target?: string, run = runDirectoryPaths()): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  const label = [`${OWNER_LABEL}=${run.root}`, ...(target === undefined ? [] : [`${SIDECAR_LABEL}=${target}`])];
  const ofOurs = { all: true, filters: { label } };
  try {
    const listed = jsonOf(await dockerRequest(engine, signal, (docker) => docker.listContainers(ofOurs))).list();
    await Promise.all(listed.map((one) => remove(engine, one.get("Id").containerId(), signal)));
    if (target === undefined) await removeUnusedImages(engine, signal);
  } catch (error) {
    if (!signal.aborted || error instanceof PortholeError) throw error;
    const text = `the engine did not respond within ${CLEAN_UP_MS / 1_000} s`;
    throw new PortholeError("TARGET", text, { errno: "ETIMEDOUT", cause: error });
  }
}

/**
 * Removes the sidecar of one start whose command was killed. Waits a moment for it: the engine may
 * still be creating it.
 * @throws the engine's failure
 */
export async function removeStarted(engine: Engine, start: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  const ofStart = { all: true, filters: { label: [`${START_LABEL}=${start}`] } };
  for (;;) {
    const [found] = jsonOf(await dockerRequest(engine, signal, (docker) => docker.listContainers(ofStart))).list();
    if (found !== undefined) return remove(engine, found.get("Id").containerId(), signal);
    await delay(100, undefined, { signal });
  }
}

/** Removes the container of that name if its label shows that it is this user's. */
export async function removeOurs(engine: Engine, name: string, run: RunDirectory, signal: AbortSignal): Promise<void> {
  try {
    const found = jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(name).inspect()));
    if (found.get("Config").get("Labels").get(OWNER_LABEL).text() !== run.root) return;
  } catch (error) {
    return ignoreMissing(error);
  }
  await remove(engine, name, signal);
}

/** Resolves when the container is gone. Its AutoRemove may remove it at the same time. */
async function remove(engine: Engine, idOrName: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await dockerRequest(engine, signal, (docker) => docker.getContainer(idOrName).remove({ force: true }));
      return;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (isMissing(error)) return;
      // Docker keeps the name until the removal is complete. Podman returns 500 for a container
      // that stops at that moment.
      if (error.status !== 409 && !/container state improper/.test(error.message)) throw error;
      await delay(10, undefined, { signal });
    }
  }
}
