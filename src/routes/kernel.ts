import { release } from "node:os";
import { engineGet } from "../engines/engine.ts";
import { decodeInfo, type EngineInfo } from "../engines/engine-info.ts";
import type { RunningContainer } from "../engines/resolve.ts";
import { PortholeError } from "../errors.ts";
import { argumentsOf, inCgroupOf, parentOf } from "./process.ts";

/** Runtimes that put a kernel of their own between the container and this one, by their usual names. */
const OTHER_KERNELS: readonly [RegExp, string][] = [
  [/runsc|gvisor/i, "gVisor"],
  [/kata|krun|firecracker/i, "a virtual machine"],
];

/**
 * Why no descriptor can come from this container: its files are in another kernel. Undefined where they are in this one, as far as that can be told without
 * asking the engine; see {@link otherMachineError}.
 */
export function otherKernelError({ name, runtime, pid }: RunningContainer): PortholeError | undefined {
  // An engine may give a runtime any name: gVisor's process shows its own.
  const program = pid > 0 ? (argumentsOf(pid)[0] ?? "") : "";
  const found = OTHER_KERNELS.find(([pattern]) => pattern.test(runtime) || pattern.test(program));
  if (found === undefined) return undefined;
  return new PortholeError(
    "ATTACH",
    `'${name}' runs in ${found[1]} (runtime '${runtime}'): descriptors cannot leave that kernel`,
    { hint: `docker cp ${name}:PATH -, docker exec, or a container with the default runtime` },
  );
}

/**
 * The same of an engine that itself is in another kernel, as Docker Desktop's and Lima's are: its sockets are here, its containers are not. Costs a request
 * where the container's first process is not the one of that number here.
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

/** What an engine tells of itself; undefined when it does not: then the routes are tried all the same. */
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
 * True when the process that the engine numbers so is the container's here too. An engine in another PID namespace or another kernel numbers its own, and the
 * number means a stranger here. Its control groups name the container, or its parent does (containerd's shim, conmon) where a rootless engine has no groups.
 */
export function isFirstProcess({ pid, id }: RunningContainer): boolean {
  if (pid <= 0) return false;
  if (inCgroupOf(pid, id)) return true;
  const parent = parentOf(pid);
  return parent !== undefined && argumentsOf(parent).includes(id);
}
