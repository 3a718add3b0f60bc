import { setTimeout } from "node:timers/promises";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { allCapabilities, boundingSetHas, inCgroupOf, parentOf } from "../../descriptors/process.ts";
import type { Engine } from "../../engines/api/engine.ts";
import { createExec, pidOfExec, startExec } from "../../engines/api/exec.ts";
import type { RunningContainer } from "../../engines/lookup/resolve.ts";
import { AGENT_NAME } from "../agents/agent-program.ts";
import { isFirstProcess } from "../agents/kernel.ts";
import { deadline, LimitedAccessError, routeError } from "../agents/route-error.ts";
import { acceptOverStream, agentOptions, type StartOptions, streamsOver } from "../rendezvous/accept-over-stream.ts";
import { type ConnectedAgent, openRendezvous } from "../rendezvous/rendezvous.ts";
import { MOUNT_POINT, type RunDirectory } from "../run-directory/run-dir.ts";

export interface MountOptions extends StartOptions {
  /**
   * Refuses an agent that cannot read files of every owner, because another route may provide one.
   */
  everyOwner: boolean;
}

/**
 * Starts the agent that the container has mounted, with the engine's exec: route `mount`.
 * @throws PortholeError ATTACH, CANCELLED; LimitedAccessError
 */
export async function attachMount(
  container: RunningContainer,
  run: RunDirectory,
  listener: OwnedFd,
  options: MountOptions,
): Promise<ConnectedAgent> {
  const over = deadline(options.timeoutMs, options.signal);
  try {
    // Runs as the requested user, with that user's rights.
    if (options.user !== "") return await execAgent(container, run, listener, false, { ...options, over });
    return await execWithCapabilities(container, run, listener, { ...options, over });
  } catch (error) {
    if (error instanceof LimitedAccessError) throw error;
    throw routeError("mount", container.name, error, { ...options, signal: options.signal, over });
  }
}

type ExecOptions = MountOptions & { over: AbortSignal };

/**
 * Gives the agent capabilities that the container may lack, so that it reads files of every owner,
 * as on the other routes. An engine without a capability cannot grant it; the agent then has the
 * container's capabilities.
 */
async function execWithCapabilities(
  container: RunningContainer,
  run: RunDirectory,
  listener: OwnedFd,
  options: ExecOptions,
): Promise<ConnectedAgent> {
  try {
    if (!refusesCapabilities(container)) return await execAgent(container, run, listener, true, options);
  } catch (error) {
    if (options.over.aborted) throw error;
  }
  if (options.everyOwner && isFirstProcess(container) && !boundingSetHas(container.pid, CAP_DAC_OVERRIDE))
    throw new LimitedAccessError(
      "ATTACH",
      "the container's capabilities do not let an agent read files of every owner",
    );
  return await execAgent(container, run, listener, false, options);
}

/**
 * True if a privileged exec is known to fail, so that an attempt would only take time. Docker
 * before 23 asks for every capability that the kernel knows, and the runtime cannot grant one that
 * it lacks itself. It is a child of the container's parent.
 */
function refusesCapabilities(container: RunningContainer): boolean {
  const minor = /^1\.(\d+)$/.exec(container.apiVersion)?.[1];
  if (container.isPodman || minor === undefined || Number(minor) >= API_OF_DOCKER_23) return false;
  const shim = isFirstProcess(container) ? parentOf(container.pid) : undefined;
  return shim !== undefined && !boundingSetHas(shim, allCapabilities());
}

const API_OF_DOCKER_23 = 42;

/** linux/capability.h */
const CAP_DAC_OVERRIDE = 1n << 1n;

async function execAgent(
  { engine, id }: RunningContainer,
  run: RunDirectory,
  listener: OwnedFd,
  isPrivileged: boolean,
  options: ExecOptions,
): Promise<ConnectedAgent> {
  const rendezvous = openRendezvous(run);
  const { over } = options;
  try {
    const agent = {
      Cmd: [`${MOUNT_POINT}/${AGENT_NAME}`, "mount", ...agentOptions(rendezvous, options)],
      User: options.user || "0",
      Privileged: isPrivileged,
      ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
    };
    const exec = await createExec(engine, id, agent, over);
    const streams = streamsOver(await startExec(engine, exec, over));
    const isOurs = async (peer: number) => inCgroupOf(peer, id) || (await pidOf(engine, exec, over)) === peer;
    return await acceptOverStream(streams, rendezvous, listener, isOurs, options);
  } finally {
    rendezvous.close();
  }
}

/** Number of requests to the engine, and milliseconds between them. */
const [ASKED, PAUSE_MS] = [100, 20];

/**
 * Pid of the process that an exec started; 0 if the engine does not report it. The engine reports 0
 * for a moment after the start.
 */
async function pidOf(engine: Engine, exec: string, signal: AbortSignal): Promise<number> {
  for (let times = 1; ; times++) {
    const pid = await pidOfExec(engine, exec, signal);
    if (pid || times === ASKED) return pid ?? 0;
    await setTimeout(PAUSE_MS, undefined, { signal });
  }
}
