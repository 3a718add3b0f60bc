import { tryRead } from "../../descriptors/bytes/try-read.ts";
import { pipe } from "../../descriptors/files/file.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { startTime } from "../../descriptors/process.ts";
import { type SpawnedProcess, spawnProcess } from "../../descriptors/processes/spawn.ts";
import { socketpair } from "../../descriptors/sockets/fd-socket.ts";
import { attachInterrupted, PortholeError } from "../../errors.ts";
import { agentProgram } from "../agents/agent-program.ts";
import { overlayOptions } from "../rendezvous/accept-over-stream.ts";
import { type ConnectedAgent, handshake, type TimeoutOptions, treeFromChild } from "../rendezvous/rendezvous.ts";

/** Target of the direct route. */
export interface DirectTarget {
  /** Host pid of the target's first process. */
  pid: number;
  /** From `startTime` in process.ts: refuses a reused pid. */
  started: string;
  /** For messages. */
  name: string;
  /**
   * Directories of its root, uppermost first, to determine the layer of a file; missing if unknown.
   */
  layers?: readonly string[];
  /** Devices of its overlays that the engine mounted. */
  overlays?: readonly string[];
}

/**
 * Starts a local agent that opens files through `/proc/PID/root`. It drops unneeded privileges
 * before it touches the target, and outlives this process. `listen` creates the socket that the
 * agent serves; the caller owns the socket.
 * @throws PortholeError ATTACH with the agent's message, or for an agent of another version;
 * CANCELLED through the signal
 */
export function attachDirect(
  target: DirectTarget,
  listen: () => OwnedFd,
  idleSeconds: number,
  wait: TimeoutOptions,
): Promise<ConnectedAgent> {
  const targetOptions = ["--target-pid", String(target.pid), "--target-start", target.started];
  const layers = (target.layers ?? []).flatMap((path) => ["--layer", path]);
  const how = [
    ...targetOptions,
    ...layers,
    ...overlayOptions(target.overlays ?? []),
    "--join-user-ns",
    "--device-cgroup",
    "--idle",
    String(idleSeconds),
  ];
  return attachChild(target.name, how, listen, wait);
}

/**
 * Starts an agent as a child that outlives this process.
 * @param how the agent's options
 * @param witness ends the agent when it becomes readable; the caller owns it
 * @throws as {@link attachDirect}
 */
export async function attachChild(
  name: string,
  how: readonly string[],
  listen: () => OwnedFd,
  wait: TimeoutOptions,
  witness?: OwnedFd,
): Promise<ConnectedAgent> {
  return withChild(name, how, wait, async (connection, child) => {
    // Creates the socket only now, because the agent starts up meanwhile.
    const info = await handshake(connection, listen(), wait, witness);
    child.unref();
    const { pid } = child;
    return { info, process: { pid, started: startTime(pid) ?? "" } };
  });
}

/**
 * Takes a tree through a child agent, which then exits. `how`: the agent's options; `flags`: bits
 * of `TreeFlag`. The caller owns the tree.
 * @throws as {@link attachDirect}
 */
export async function childTree(
  name: string,
  how: readonly string[],
  flags: number,
  wait: TimeoutOptions,
): Promise<OwnedFd> {
  return withChild(name, ["--tree", ...how], wait, (connection) => treeFromChild(connection, flags, wait));
}

async function withChild<T>(
  name: string,
  how: readonly string[],
  wait: TimeoutOptions,
  meet: (connection: OwnedFd, child: SpawnedProcess<string>) => Promise<T>,
): Promise<T> {
  const [ours, theirs] = socketpair();
  const [errors, stderr] = pipe();
  try {
    const child = startChild(how, stderr, theirs);
    try {
      return await meet(ours, child);
    } catch (error) {
      const isLate = error instanceof PortholeError && error.errno === "ETIMEDOUT";
      child.kill();
      const status = await child.ended;
      if (wait.signal?.aborted) throw attachInterrupted(error);
      if (error instanceof PortholeError && error.code === "ATTACH" && error.errno === "EPROTO") throw error;
      const late = isLate ? `it did not connect within ${wait.timeoutMs / 1000} s` : `it ended with ${status}`;
      const reason = messageIn(errors) || late;
      throw new PortholeError("ATTACH", `the agent cannot enter ${name}: ${reason}`, { cause: error });
    }
  } finally {
    for (const fd of [ours, errors]) fd.close();
  }
}

/** Takes ownership of the child's descriptors. */
function startChild(how: readonly string[], stderr: OwnedFd, connection: OwnedFd): SpawnedProcess<string> {
  try {
    return spawnProcess(agentProgram(), ["direct", "--fd", "3", ...how], [stderr, connection]);
  } finally {
    for (const fd of [stderr, connection]) fd.close();
  }
}

const MAX_MESSAGE = 4_096;

/** What an ended agent wrote to standard error. */
function messageIn(errors: OwnedFd): string {
  const bytes = Buffer.alloc(MAX_MESSAGE);
  const length = tryRead(errors, bytes);
  return bytes
    .toString("latin1", 0, Math.max(0, length))
    .trim()
    .replace(/^porthole-agent: /, "");
}
