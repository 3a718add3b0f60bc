import { existsSync } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { criEngine, type Engine } from "../engine-address.ts";

/** Sockets of containerd, k3s, CRI-O and cri-dockerd. */
const SOCKETS = [
  "/run/containerd/containerd.sock",
  "/run/k3s/containerd/containerd.sock",
  "/run/crio/crio.sock",
  "/run/cri-dockerd.sock",
];

/**
 * Returns the container runtimes of this node: the engine in `explicit` (`cri:PATH`, a path), else
 * CONTAINER_RUNTIME_ENDPOINT (as for crictl), else every default socket that exists.
 * @throws PortholeError USAGE for an engine that has no pods
 */
export function criEngines(explicit?: string, environment: NodeJS.ProcessEnv = process.env): Engine[] {
  if (explicit !== undefined && explicit !== "all") return [named(explicit, "--engine")];
  const endpoint = environment.CONTAINER_RUNTIME_ENDPOINT;
  if (endpoint) return [named(endpoint, "CONTAINER_RUNTIME_ENDPOINT")];
  return SOCKETS.filter((path) => existsSync(path)).map((path) => criEngine(path, "default"));
}

function named(address: string, source: string): Engine {
  const path = address
    .replace(/^cri:/, "")
    .replace(/^unix:(?=\/\/\/)/, "")
    .replace(/^\/\/(?=\/)/, "");
  if (path.startsWith("/")) return criEngine(path, source);
  throw new PortholeError("USAGE", `${source}: '${address}' has no pods`, {
    hint: "leave it out, or name the socket of the container runtime: --engine cri:/run/containerd/containerd.sock",
  });
}
