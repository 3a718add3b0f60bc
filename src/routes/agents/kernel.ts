import { release } from "node:os";
import { commandLineOf, inCgroupOf, parentOf } from "../../descriptors/process.ts";
import { engineGet } from "../../engines/api/engine.ts";
import { decodeInfo, type EngineInfo } from "../../engines/api/engine-info.ts";
import type { RunningContainer } from "../../engines/lookup/resolve.ts";
import { PortholeError } from "../../errors.ts";

/** Usual names of runtimes that run a separate kernel for the container. */
const OTHER_KERNELS: readonly [RegExp, string][] = [
  [/runsc|gvisor/i, "gVisor"],
  [/kata|krun|firecracker/i, "a virtual machine"],
];

/**
 * The error for a container whose files are on another kernel, which cannot pass descriptors.
 * Undefined if the engine's response shows no other kernel; see {@link otherMachineError}.
 */
export function otherKernelError({ name, runtime, pid }: RunningContainer): PortholeError | undefined {
  // An engine may give a runtime any name; gVisor's process shows its own.
  const program = pid > 0 ? (commandLineOf(pid)[0] ?? "") : "";
  const found = OTHER_KERNELS.find(([pattern]) => pattern.test(runtime) || pattern.test(program));
  if (found === undefined) return undefined;
  return new PortholeError(
    "ATTACH",
    `'${name}' runs in ${found[1]} (runtime '${runtime}'): descriptors cannot leave that kernel`,
    { hint: `use docker cp ${name}:PATH -, docker exec, or a container with the default runtime` },
  );
}

/**
 * Returns the error for an engine in another kernel (Docker Desktop, Lima). Such an engine has a
 * local socket, but its containers are not local. Sends a request if the container's first process
 * is not the local process of that number.
 * @throws PortholeError CANCELLED
 */
export async function otherMachineError(
  container: RunningContainer,
  signal?: AbortSignal,
): Promise<PortholeError | undefined> {
  if (isFirstProcess(container)) return undefined;
  const { kernelVersion: kernel = "", operatingSystem: system } = (await info(container, signal)) ?? {};
  if (kernel === "" || kernel === release()) return undefined;
  const what = system ? `${system}, ${kernel}` : kernel;
  return new PortholeError(
    "ATTACH",
    `'${container.name}' runs on another kernel (${what}) than this one (${release()}): descriptors cannot leave that kernel`,
    { hint: "run porthole where the engine runs, such as ssh -t HOST porthole ... or colima ssh -- porthole ..." },
  );
}

/** The engine's GET /info; undefined if it fails: the routes are tried anyway. */
async function info({ engine }: RunningContainer, signal: AbortSignal | undefined): Promise<EngineInfo | undefined> {
  try {
    const { status, body, request } = await engineGet(engine, "/info", { signal });
    return status === 200 ? decodeInfo(body, request) : undefined;
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}

/**
 * True if the engine's pid refers to the container's first process on this machine too. An engine
 * in another PID namespace or kernel has its own numbers, which belong to other local processes.
 * Checks that the process's control groups contain the container's id. A rootless engine has no
 * such groups: then the parent (containerd's shim, conmon) must have the id in its arguments.
 */
export function isFirstProcess({ pid, id }: RunningContainer): boolean {
  if (pid <= 0) return false;
  if (inCgroupOf(pid, id)) return true;
  const parent = parentOf(pid);
  return parent !== undefined && commandLineOf(parent).includes(id);
}
