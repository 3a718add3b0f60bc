import { setTimeout } from "node:timers/promises";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { AGENT_NAME } from "./agent-program.ts";
import { client, deadline, routeError } from "./docker-client.ts";
import { agentOptions, meetOverStream, type StartOptions } from "./meet.ts";
import { inCgroupOf } from "./process.ts";
import { type Met, openRendezvous } from "./rendezvous.ts";
import type { Container } from "./resolve.ts";
import { MOUNT_POINT, type RunDirectory } from "./run-dir.ts";

/**
 * Starts the agent that the container has mounted, with the engine's exec: route `mount`.
 * @throws PortholeError ATTACH, CANCELLED
 */
export async function attachMount(
  container: Container,
  run: RunDirectory,
  listener: OwnedFd,
  options: StartOptions,
): Promise<Met> {
  const docker = client(container.engine);
  const rendezvous = openRendezvous(run);
  const over = deadline(options.timeoutMs, options.signal);
  try {
    const exec = await docker.getContainer(container.id).exec({
      Cmd: [`${MOUNT_POINT}/${AGENT_NAME}`, "mount", ...agentOptions(rendezvous, options)],
      User: options.user || "0",
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal: over,
    });
    const stream = await exec.start({ hijack: true, stdin: true, abortSignal: over });
    const isOurs = async (peer: number) => inCgroupOf(peer, container.id) || (await pidOf(exec, over)) === peer;
    return await meetOverStream(stream, docker, rendezvous, listener, isOurs, options);
  } catch (error) {
    throw routeError("mount", container.name, error, { ...options, signal: options.signal, over });
  } finally {
    rendezvous.close();
  }
}

/** Times that the engine is asked, and milliseconds between them. */
const [ASKED, PAUSE_MS] = [100, 20];

/** The process that an exec started, 0 where the engine does not say. It is told of it a moment after the process began, and until then says 0. */
async function pidOf(
  exec: { inspect(options: { abortSignal: AbortSignal }): Promise<{ Pid: number }> },
  abortSignal: AbortSignal,
): Promise<number> {
  for (let times = 1; ; times++) {
    const { Pid } = await exec.inspect({ abortSignal });
    if (Pid !== 0 || times === ASKED) return Pid;
    await setTimeout(PAUSE_MS, undefined, { signal: abortSignal });
  }
}
