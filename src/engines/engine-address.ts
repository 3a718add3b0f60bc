import { PortholeError } from "../errors.ts";

/**
 * A container engine on this machine: Docker, Podman's Docker-compatible API, or a Kubernetes
 * node's container runtime.
 */
export interface Engine {
  /** Path of its Unix socket. */
  socketPath: string;
  /**
   * Where its address is from, for messages: `DOCKER_HOST`, `--engine`, `context 'x'` or `default`.
   */
  source: string;
  /**
   * Its name in lists and for `--engine`: `docker`, `podman`, `rootless-docker`, `rootless-podman`,
   * a context's name, a socket's path, or `cri:` and a path.
   */
  name: string;
  /** True for a container runtime that serves the CRI: it has pods, and only src/engines/cri asks it. */
  isCri?: true;
}

/** Prefix of `--engine` for a socket of the CRI. */
export const CRI = "cri:";

/** The engine at a socket of the CRI. */
export function criEngine(socketPath: string, source: string): Engine {
  return { socketPath, source, name: `${CRI}${socketPath}`, isCri: true };
}

/** The engine of an agent's record, by its {@link engineAddress}. */
export function recordedEngine(address: string): Engine {
  const source = "an agent's record";
  return address.startsWith(CRI)
    ? criEngine(address.slice(CRI.length), source)
    : { socketPath: address, source, name: address };
}

/** What names the engine for `--engine`, wherever it was found. */
export function engineAddress({ socketPath, isCri }: Engine): string {
  return isCri ? `${CRI}${socketPath}` : socketPath;
}

/** The error for what only Docker and Podman know. */
export function notOfPods(): PortholeError {
  return new PortholeError("USAGE", "only Docker and Podman can tell this, not a pod's container runtime", {
    hint: "name a container of Docker or Podman",
  });
}

/** True for what src/engines/cri finds: a container of a pod, or any in a named runtime. */
export function isOfPod(name: string, explicitEngine: string | undefined): boolean {
  return name.startsWith("pod:") || explicitEngine?.startsWith(CRI) === true;
}
