import { existsSync } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { criEngine, type Engine } from "./engine-address.ts";

/** Default sockets. That of k3s is also RKE2's; minikube has containerd, CRI-O or cri-dockerd. */
const SOCKETS = [
  "/run/containerd/containerd.sock",
  "/run/k3s/containerd/containerd.sock",
  "/var/snap/microk8s/common/run/containerd.sock",
  "/run/k0s/containerd.sock",
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
  const found = SOCKETS.flatMap((path) => existing([path, ...atNode(path, environment)]) ?? []);
  return found.map((path) => criEngine(path, "default"));
}

function existing(paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path));
}

/**
 * The path of a node's file in a helper pod, whose manifest names the root directory of the node. A
 * pod cannot mount a socket itself: a node without it could not run the pod, or would get a
 * directory of that name.
 */
function atNode(path: string, { PORTHOLE_NODE_ROOT: root }: NodeJS.ProcessEnv): string[] {
  return root === undefined ? [] : [root + path];
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
