import type { Duplex } from "node:stream";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { inCgroupOf } from "../../descriptors/process.ts";
import { dockerRequest, jsonOf, openStream } from "../../engines/api/docker-client.ts";
import type { Engine } from "../../engines/api/engine.ts";
import type { RunningContainer } from "../../engines/lookup/resolve.ts";
import { PortholeError } from "../../errors.ts";
import { deadline, routeError } from "../agents/route-error.ts";
import { acceptOverStream, type StartOptions, streamsOf } from "../rendezvous/accept-over-stream.ts";
import { type ConnectedAgent, openRendezvous } from "../rendezvous/rendezvous.ts";
import type { RunDirectory } from "../run-directory/run-dir.ts";
import { createSidecar } from "./create-sidecar.ts";
import { CLEAN_UP_MS, removeOurs } from "./remove-sidecars.ts";
import { besideRunning, type Sidecar, type SidecarOptions, sidecarName } from "./sidecar-description.ts";
import { SidecarGuard } from "./sidecar-guard.ts";

/**
 * Starts the agent in a separate container next to the target: route `sidecar`. Also resolves with
 * that container's id.
 * @throws PortholeError ATTACH, CANCELLED. Then no container remains, unless the engine does not
 * respond; the next start for this target or `detach --all` removes such leftovers by name and
 * labels
 */
export function attachSidecar(
  container: RunningContainer,
  run: RunDirectory,
  listener: OwnedFd,
  options: StartOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  return runSidecar(besideRunning(container), run, listener, options);
}

/** Limit of a sidecar's processes. */
const PIDS = 512;

/** Starts an agent in a separate container, as {@link attachSidecar} does. */
export async function runSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  listener: OwnedFd | undefined,
  options: StartOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  try {
    return await startSidecar(sidecar, run, listener, { ...options, pidsLimit: PIDS });
  } catch (error) {
    // cgroups v2 may lack the pids controller. Only in that case is there no limit.
    if (!(error instanceof PortholeError) || !/\bpids\b/.test(error.message)) throw error;
    return startSidecar(sidecar, run, listener, { ...options, pidsLimit: 0 });
  }
}

async function startSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  listener: OwnedFd | undefined,
  options: SidecarOptions,
): Promise<ConnectedAgent & { sidecar: string }> {
  const { engine } = sidecar;
  const rendezvous = openRendezvous(run);
  const over = deadline(options.timeoutMs, options.signal);
  const name = sidecarName(sidecar.target, run, sidecar.suffix);
  let stream: Duplex | undefined;
  await using guard = new SidecarGuard(engine);
  try {
    const id = await createSidecar(sidecar, run, name, rendezvous, { ...options, over, guard });
    options.signal?.throwIfAborted();
    stream = await openStream(engine, over, (docker) => docker.getContainer(id).attach(STREAMS));
    await dockerRequest(engine, over, (docker) => docker.getContainer(id).start());
    // The agent ends with the stream, as long as it has no listener.
    await guard.end();
    const isOurs = async (peer: number) => inCgroupOf(peer, id) || (await pidOf(engine, id, over)) === peer;
    const met = await acceptOverStream(streamsOf(stream), rendezvous, listener, isOurs, options);
    return { ...met, sidecar: id };
  } catch (error) {
    // Removes by name: AutoRemove does not remove a container that was created and never ran, and
    // the id may be unknown.
    await removeOurs(engine, name, run, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
    throw routeError("sidecar", sidecar.name, error, { ...options, signal: options.signal, over });
  } finally {
    stream?.destroy();
    rendezvous.close();
  }
}

/**
 * All standard streams. Parameters outside of `_query` become a body, which Podman (4.3) writes to
 * the container's standard input.
 */
const STREAMS = {
  ...{ stream: true, stdin: true, hijack: true },
  ...{ _query: { stream: 1, stdin: 1, stdout: 1, stderr: 1 }, _body: {} },
};

/** The engine's pid of a container's first process. */
async function pidOf(engine: Engine, id: string, signal: AbortSignal): Promise<number | undefined> {
  return jsonOf(await dockerRequest(engine, signal, (docker) => docker.getContainer(id).inspect()))
    .get("State")
    .get("Pid")
    .whole();
}
