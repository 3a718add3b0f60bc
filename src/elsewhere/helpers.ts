import type { RemoteEngine } from "../engines/api/remote-engine.ts";
import type { PortholeError } from "../errors.ts";
import type { LiveAgent } from "../sessions/agent/agents.ts";
import { silentEngine } from "./connection-error.ts";
import { type Dialler, dialler } from "./dial.ts";
import { forgetEngine, lastUse, recordedEngines } from "./engine-records.ts";
import { IDLE_SECONDS, listHelpers, removeHelper, removeHelperImages } from "./helper.ts";

/** Maximum milliseconds for one engine, because another machine may be off. */
const ANSWER_MS = 15_000;

/**
 * This user's helpers on every engine where one was started, as agents of route `helper` by the
 * engine's address.
 * @param failed receives the failure of an engine that does not respond
 */
export async function helperAgents(failed: (error: PortholeError) => void): Promise<LiveAgent[]> {
  const found = await Promise.all(
    recordedEngines().map((remote) =>
      withEngine(remote, async ({ engine }, signal) => {
        const helpers = await listHelpers(engine, signal);
        if (helpers.length === 0) forgetEngine(remote);
        return helpers.map((helper) => described(remote, helper));
      }).catch((error: unknown) => {
        failed(error as PortholeError);
        return [];
      }),
    ),
  );
  return found.flat();
}

function described({ address }: RemoteEngine, { id, created }: { id: string; created: number }): LiveAgent {
  return {
    name: address,
    container: id,
    route: "helper",
    user: "",
    pid: 0,
    ageSeconds: Math.max(0, Math.floor(Date.now() / 1000) - created),
    clients: 0,
    memoryKiB: 0,
    build: "",
    sidecar: id,
  };
}

/**
 * Removes this user's helpers from one engine, with all programs that run in them.
 * @throws PortholeError TARGET if the engine does not respond
 */
export async function removeHelpers(remote: RemoteEngine, { images = false } = {}): Promise<void> {
  await withEngine(remote, async ({ engine }, signal) => {
    for (const { id } of await listHelpers(engine, signal)) await removeHelper(engine, id, signal);
    if (images) await removeHelperImages(engine, signal);
  });
  forgetEngine(remote);
}

/** Runs requests on a remote engine. @throws PortholeError TARGET */
export async function withEngine<T>(
  remote: RemoteEngine,
  action: (connections: Dialler, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const connections = dialler(remote);
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    return await action(connections, signal);
  } catch (error) {
    // The helper was idle and has ended by now, so the engine is not reported again.
    if (Date.now() - lastUse(remote) > IDLE_SECONDS * 1000) forgetEngine(remote);
    if (!signal.aborted) throw connections.explain(error);
    throw silentEngine(remote, ANSWER_MS, error);
  } finally {
    connections.close();
  }
}
