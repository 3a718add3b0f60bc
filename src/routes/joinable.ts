import { boundingSetHas, canEnterNamespaces, namespaceOf, procFile, requireStartTime } from "../descriptors/process.ts";
import { type ContainerState, type RunningContainer, resolveContainer } from "../engines/lookup/resolve.ts";
import { PortholeError } from "../errors.ts";
import { type Target, targetName } from "../target.ts";
import { isFirstProcess, otherKernelError, otherMachineError } from "./agents/kernel.ts";
import { MOUNT_POINT } from "./run-directory/run-dir.ts";
import { inCurrentState } from "./start/current-state.ts";
import { notAllowed, notHere } from "./start/start.ts";

/** A process whose namespaces this user may join. */
export interface JoinableProcess {
  pid: number;
  /** Its start time: `porthole-agent run` refuses another process that reuses the pid. */
  started: string;
  /**
   * True if a process in its PID namespace may be able to trace a process that joins it
   * (ptrace(2)). The tracer could then act with this user's rights outside the container.
   */
  canTrace: boolean;
}

/**
 * Finds the first process of a container, or the process in the target.
 * @throws PortholeError TARGET if it is not running; USAGE for a target without processes; ATTACH
 * if this user may not join its namespaces
 */
export async function joinableProcess(
  target: Target,
  options: { engine?: string | undefined; signal?: AbortSignal },
): Promise<JoinableProcess> {
  if (target.kind === "process") return joinable(target.pid, undefined);
  if (target.kind !== "container") {
    throw new PortholeError("USAGE", `'${targetName(target)}' has no processes, so no namespaces to join`, {
      hint: "--in files gives access to its files only",
    });
  }
  const state = await resolveContainer(target.name, options.engine, MOUNT_POINT, options.signal);
  return inCurrentState(state, options.signal, (current) => firstProcess(runningOf(current), options.signal));
}

/** @throws PortholeError TARGET (ESRCH) that names what works without processes */
function runningOf(state: ContainerState): RunningContainer {
  if (state.running !== undefined) return state.running;
  const { name, obstacle } = state.stopped;
  const { code, message, errno, hint } = obstacle;
  throw new PortholeError(code, message, {
    errno,
    hint: `porthole shell --in files ${name} gives access to its files${hint === undefined ? "" : `; or ${hint}`}`,
    cause: obstacle,
  });
}

async function firstProcess(container: RunningContainer, signal: AbortSignal | undefined): Promise<JoinableProcess> {
  const elsewhere = otherKernelError(container) ?? (await otherMachineError(container, signal));
  if (elsewhere !== undefined) throw elsewhere;
  if (!isFirstProcess(container)) throw notHere(container);
  return joinable(container.pid, container.name);
}

function joinable(pid: number, name: string | undefined): JoinableProcess {
  const started = requireStartTime(pid);
  if (!canEnterNamespaces(pid)) {
    // A process that has just ended cannot be entered either.
    requireStartTime(pid);
    throw name === undefined ? notAllowed(pid) : notTheOwner(name);
  }
  return { pid, started, canTrace: canTrace(pid) };
}

function notTheOwner(name: string): PortholeError {
  return new PortholeError(
    "ATTACH",
    `cannot join the namespaces of '${name}': only root and the owner of a rootless engine may`,
    { errno: "EPERM", hint: `porthole shell --in files ${name} gives access to its files only; or use docker exec` },
  );
}

/**
 * True if a process of the target could trace a command. A process may trace another process of the
 * same user if it has all of that process's capabilities. With CAP_SYS_PTRACE it may trace any
 * process in its user namespace. A command of root keeps all of its capabilities.
 */
function canTrace(pid: number): boolean {
  const isRoot = process.geteuid?.() === 0;
  // Capabilities in another user namespace give no rights over a command in this one.
  if (isRoot && namespaceOf(pid, "user") !== namespaceOf("self", "user")) return false;
  return boundingSetHas(pid, CAP_SYS_PTRACE) || (!isRoot && !isRootInside(pid));
}

const CAP_SYS_PTRACE = 1n << 19n;

/** True if this user is root in a process's user namespace: a command keeps its capabilities. */
function isRootInside(pid: number): boolean {
  const rows = procFile(pid, "uid_map").split("\n");
  const uid = process.geteuid?.() ?? -1;
  return rows.some((row) => {
    const [inside, outside] = row.trim().split(/\s+/).map(Number);
    return inside === 0 && outside === uid;
  });
}
