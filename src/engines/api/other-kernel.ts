import { release } from "node:os";
import { procFile } from "../../descriptors/process.ts";
import { peerCredentials } from "../../descriptors/sockets/socket.ts";
import { allContexts } from "./docker-contexts.ts";
import { type Engine, engineGet, engines } from "./engine.ts";
import { decodeInfo } from "./engine-info.ts";
import { connectEngine } from "./http.ts";
import { type RemoteEngine, remoteEngine } from "./remote-engine.ts";

/**
 * Returns the engine from `--engine`, `DOCKER_HOST` or the current docker context, if its
 * containers are on another kernel. With ssh or TCP they always are. With a socket they are if the
 * engine reports another kernel, as Docker Desktop, Colima and Podman's machines do.
 * @param isKnownHere true for a socket whose engine need not be queried, because it is on this
 * kernel
 * @throws PortholeError USAGE, TARGET for an invalid address or an unknown context
 */
export async function engineElsewhere(
  explicit: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
  isKnownHere: (socketPath: string) => boolean = () => false,
): Promise<RemoteEngine | undefined> {
  const remote = remoteEngine(explicit, environment);
  if (remote !== undefined) return remote;
  const [engine, ...others] = engines(explicit, environment);
  if (engine === undefined || others.length > 0 || engine.source === "default") return undefined;
  if (isKnownHere(engine.socketPath) || !isForwarded(engine)) return undefined;
  const kernel = await kernelOf(engine);
  if (kernel === undefined || kernel === release()) return undefined;
  const { socketPath, source } = engine;
  return { address: `unix://${socketPath}`, source, transport: { kind: "socket", socketPath } };
}

/** Names of the docker contexts whose engine is reached by ssh or TCP, sorted. */
export function remoteContexts(): string[] {
  return allContexts(process.env)
    .filter(({ host }) => /^(ssh|tcp|https?):/.test(host))
    .map(({ name }) => name);
}

/**
 * True if a program that forwards to virtual machines listens on the socket (SO_PEERCRED). A local
 * engine listens itself, and needs no request.
 */
function isForwarded({ socketPath }: Engine): boolean {
  try {
    using socket = connectEngine(socketPath);
    return FORWARDERS.test(commandOf(peerCredentials(socket).pid));
  } catch {
    // The command itself reports why it cannot connect.
    return false;
  }
}

/**
 * Beginnings of process names: Docker Desktop, Lima and Colima, Podman's machines, a forwarded
 * socket.
 */
const FORWARDERS = /^(com\.docker|limactl|colima|gvproxy|qemu|krunkit|ssh|socat)/;

/** Returns the command of a process; empty if the process is not visible to this one. */
function commandOf(pid: number): string {
  return procFile(pid, "comm").trim();
}

/**
 * Returns `release` of uname(2) on the engine's side; undefined if the engine does not report it.
 */
async function kernelOf(engine: Engine): Promise<string | undefined> {
  try {
    const { status, body, request } = await engineGet(engine, "/info");
    return status === 200 ? decodeInfo(body, request).kernelVersion || undefined : undefined;
  } catch {
    return undefined;
  }
}
