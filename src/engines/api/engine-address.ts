import type { Duplex } from "node:stream";
import { PortholeError } from "../../errors.ts";

/**
 * A container engine: Docker, Podman's Docker-compatible API, or a Kubernetes
 * node's container runtime.
 */
export interface Engine {
  /** Path of its Unix socket; its address if it has `dial`. */
  socketPath: string;
  /**
   * Connects to an engine on another kernel. Only docker-client.ts uses it; everything else needs a
   * socket of this machine.
   */
  dial?: () => Duplex;
  /** Takes the connection from a stream of `dial` whose response is complete, for a next request. */
  reuse?: (stream: Duplex) => void;
  /** Source of the address, for messages: `DOCKER_HOST`, `--engine`, `context 'x'` or `default`. */
  source: string;
  /**
   * Its name in lists and for `--engine`: `docker`, `podman`, `rootless-docker`, `rootless-podman`,
   * a context's name, a socket's path, or `cri:` and a path.
   */
  name: string;
  /**
   * True for a container runtime that serves the CRI. It has pods, and only src/engines/cri queries
   * it.
   */
  isCri?: true;
}

/** Prefix of `--engine` for a CRI socket. */
export const CRI = "cri:";

/** The engine at a CRI socket. */
export function criEngine(socketPath: string, source: string): Engine {
  return { socketPath, source, name: `${CRI}${socketPath}`, isCri: true };
}

/** The engine for an {@link engineAddress} in an agent's record. */
export function recordedEngine(address: string): Engine {
  const source = "an agent's record";
  return address.startsWith(CRI)
    ? criEngine(address.slice(CRI.length), source)
    : { socketPath: address, source, name: address };
}

/**
 * The value of `--engine` that selects this engine, regardless of its source.
 * {@link engineOfAddress} finds the engine with its source.
 */
export function engineAddress(engine: Engine): string {
  const { socketPath, isCri } = engine;
  const address = isCri ? `${CRI}${socketPath}` : socketPath;
  if (engine.dial === undefined) addressed.set(address, engine);
  return address;
}

const addressed = new Map<string, Engine>();

/**
 * The engine for a result of {@link engineAddress}: its source is not the option `--engine`, unless
 * the user gave it.
 */
export function engineOfAddress(address: string): Engine | undefined {
  return addressed.get(address);
}

/** The error for operations that only Docker and Podman support. */
export function notOfPods(): PortholeError {
  return new PortholeError("USAGE", "only Docker and Podman support this, not a pod's container runtime", {
    hint: "name a container of Docker or Podman",
  });
}

/** True for containers that src/engines/cri finds: of a pod, or of an explicit CRI runtime. */
export function isOfPod(name: string, explicitEngine: string | undefined): boolean {
  return name.startsWith("pod:") || explicitEngine?.startsWith(CRI) === true;
}
