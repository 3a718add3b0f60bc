import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEachFile } from "../cleanup.ts";
import type { Node, PodContainerOptions, PodOptions } from "../cri.ts";
import { ApiServer } from "./api-server.ts";
import { kubeconfig } from "./discovery.ts";
import { ExecTunnels } from "./exec-tunnels.ts";
import type { SecurityLevel } from "./objects.ts";
import { type ClusterPod, ClusterPods } from "./pods.ts";

/**
 * Stands in for a Kubernetes API server and its kubelets, in front of real containerds. It responds
 * to kubectl's requests for pods, and makes the pods of a DaemonSet. It forwards the connection of
 * an exec to the address that the Exec call of the CRI returns.
 */
export interface Cluster {
  /** A kubeconfig file for this cluster. */
  kubeconfig: string;
  /** Makes a pod on a node, with one container for each of `containers`. */
  pod(node: string, options: PodOptions, containers: readonly PodContainerOptions[]): Promise<ClusterPod>;
  /** Lists the pods of a namespace. */
  names(namespace: string): string[];
  /** The requests so far, as `VERB path`. */
  requests: readonly string[];
  /** Answers 403 to requests that match. */
  forbid(pattern: RegExp | undefined): void;
  /** Refuses ephemeral containers beyond a level of Pod Security. */
  enforce(namespace: string, level: SecurityLevel | undefined): void;
  /** Refuses new pods of a namespace with this message, as an admission controller does. */
  refusePods(namespace: string, message: string): void;
  /** Makes a Deployment or a service that only has a selector. */
  workload(namespace: string, resource: "deployments" | "services", name: string, selector: object): void;
  /** Starts ephemeral containers like a runtime without support for `--target`. */
  ignoreTargets(namespace: string): void;
  /** Ends all exec connections to a node, and refuses more until `restore`. */
  lose(node: string): void;
  restore(node: string): void;
  stop(): Promise<void>;
}

const clusters = new Set<Cluster>();

afterEachFile(async () => {
  for (const cluster of clusters) await cluster.stop();
  clusters.clear();
});

/** Starts a cluster of these nodes, with its files in `directory`. */
export async function startCluster(directory: string, nodes: Readonly<Record<string, Node>>): Promise<Cluster> {
  const pods = new ClusterPods(directory, nodes);
  const api = new ApiServer(pods, Object.keys(nodes));
  const tunnels = new ExecTunnels(api, pods, nodes);
  const server = createServer((request, response) => void api.answer(request, response));
  server.on("upgrade", (...connection) => void tunnels.upgrade(...connection));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const path = `${directory}/kubeconfig-${port}`;
  writeFileSync(path, JSON.stringify(kubeconfig(port)));

  let stopped: Promise<void> | undefined;
  const cluster: Cluster = {
    ...{ kubeconfig: path, requests: api.requests },
    pod: (...made) => pods.make(...made),
    names: (namespace) => pods.names(namespace),
    forbid: (pattern) => {
      api.forbidden = pattern;
    },
    enforce: (namespace, level) => void api.levels.set(namespace, level),
    refusePods: (namespace, message) => void api.quotas.set(namespace, message),
    workload: (namespace, resource, name, selector) => {
      const [apiVersion, kind] = resource === "services" ? ["v1", "Service"] : ["apps/v1", "Deployment"];
      const object = { apiVersion, kind, metadata: { name, namespace }, spec: { selector } };
      api.workloads.set(`${namespace}/${resource}/${name}`, object);
    },
    ignoreTargets: (namespace) => void pods.withoutTargets.add(namespace),
    lose: (node) => tunnels.lose(node),
    restore: (node) => tunnels.restore(node),
    stop: () => {
      stopped ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        tunnels.close();
      }).finally(() => clusters.delete(cluster));
      return stopped;
    },
  };
  clusters.add(cluster);
  return cluster;
}
