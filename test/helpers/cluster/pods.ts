import { existsSync, linkSync, mkdirSync } from "node:fs";
import type { Node, Pod, PodContainerOptions, PodOptions, RunningPodContainer } from "../cri.ts";
import { uniqueName } from "../engine.ts";
import {
  type ContainerSpec,
  type EphemeralSpec,
  hasLabels,
  type PodObject,
  type PodSpec,
  RUNNING,
  specOf,
} from "./objects.ts";

export interface StoredPod {
  object: PodObject;
  cri: Pod | undefined;
  containers: Map<string, RunningPodContainer>;
}

export interface ClusterPod {
  containers: RunningPodContainer[];
  remove(): Promise<void>;
}

/** The pods of a cluster, which its nodes run. */
export class ClusterPods {
  /** Namespaces in which ephemeral containers start without their target's PID namespace. */
  readonly withoutTargets = new Set<string>();
  readonly #directory: string;
  readonly #nodes: Readonly<Record<string, Node>>;
  readonly #pods = new Map<string, StoredPod>();

  constructor(directory: string, nodes: Readonly<Record<string, Node>>) {
    this.#directory = directory;
    this.#nodes = nodes;
  }

  get(namespace: string | undefined, name: string | undefined): StoredPod | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  /** Lists the pods of a namespace, as `NAMESPACE/NAME`. */
  names(namespace: string): string[] {
    return [...this.#pods.keys()].filter((key) => key.startsWith(`${namespace}/`));
  }

  /** Returns the pods that match, by the parameters of a request. */
  list({ searchParams }: URL, namespace: string | undefined, name?: string): (PodObject & { kind: string })[] {
    const labels = searchParams.get("labelSelector") ?? "";
    const fields = searchParams.get("fieldSelector") ?? "";
    return [...this.#pods.values()]
      .map(({ object }) => object)
      .filter(
        ({ metadata, spec }) =>
          (namespace === undefined || metadata.namespace === namespace) &&
          (name === undefined || metadata.name === name) &&
          hasLabels(metadata.labels, labels) &&
          hasLabels({ "metadata.name": metadata.name, "spec.nodeName": spec.nodeName ?? "" }, fields),
      )
      .map((object) => ({ apiVersion: "v1", kind: "Pod", ...object }));
  }

  /** Makes a pod of a test, with one container for each of `containers`. */
  async make(nodeName: string, options: PodOptions, containers: readonly PodContainerOptions[]): Promise<ClusterPod> {
    const { name, namespace, labels = {} } = options;
    const metadata = { name, namespace, uid: uniqueName("uid"), labels };
    const init = containers.filter(({ isInit }) => isInit === true).map(specOf);
    const regular = containers.filter(({ isInit }) => isInit !== true).map(specOf);
    const spec = { nodeName, containers: regular, ...(init.length > 0 && { initContainers: init }) };
    const cri = await this.#node(spec).pod(options);
    const stored = this.#store({ metadata, spec, status: { ...RUNNING } }, cri);
    const running: RunningPodContainer[] = [];
    for (const one of containers) {
      const container = await cri.run(one);
      stored.containers.set(one.name, container);
      running.push(container);
    }
    return { containers: running, remove: () => this.remove(namespace, name) };
  }

  /** Starts a pod as the kubelet of its node does, which reports a failure in the pod's status. */
  async start(object: PodObject): Promise<void> {
    await this.#start(object).catch((error: Error) => {
      const state = { waiting: notCreated(error) };
      object.status.containerStatuses = object.spec.containers.map(({ name }) => ({ name, state }));
    });
  }

  async #start(object: PodObject): Promise<void> {
    const { name, namespace, labels } = object.metadata;
    const stored = this.#store(object);
    if (object.spec.nodeName === undefined) return;
    const node = this.#node(object.spec);
    stored.cri = await node.pod({ namespace, name, labels, hostPid: object.spec.hostPID === true });
    for (const container of object.spec.containers) {
      if (!(await hasImage(node, container.image))) {
        object.status.containerStatuses = [{ name: container.name, state: { waiting: { reason: "ErrImagePull" } } }];
        return;
      }
      const options = criOptions(this.#directory, node, object.spec, container);
      stored.containers.set(container.name, await stored.cri.run(options));
    }
    object.status = { ...RUNNING };
  }

  /** Starts an ephemeral container as the kubelet does, in the PID namespace of its target. */
  async addEphemeral(pod: StoredPod, added: EphemeralSpec): Promise<void> {
    const { spec, status } = pod.object;
    spec.ephemeralContainers = [...(spec.ephemeralContainers ?? []), added];
    const own = { name: added.name, state: { waiting: { reason: "ContainerCreating" } } as object };
    status.ephemeralContainerStatuses = [...(status.ephemeralContainerStatuses ?? []), own];
    own.state = await this.#runEphemeral(pod, added).catch((error: Error) => ({ waiting: notCreated(error) }));
  }

  /** Returns the state of the container. */
  async #runEphemeral({ object, cri, containers }: StoredPod, added: EphemeralSpec): Promise<object> {
    const { spec, metadata } = object;
    if (!(await hasImage(this.#node(spec), added.image))) return { waiting: { reason: "ErrImagePull" } };
    const { name, image, command = [], targetContainerName = "" } = added;
    const { runAsUser: user, runAsGroup: group, capabilities } = added.securityContext ?? {};
    const isTargeted = !this.withoutTargets.has(metadata.namespace);
    const running = await (cri as Pod).run({
      ...{ name, image, command, user, group },
      ...(capabilities?.drop?.includes("ALL")
        ? { capabilities: capabilities.add ?? [] }
        : { addedCapabilities: capabilities?.add ?? [] }),
      pidTarget: isTargeted ? containers.get(targetContainerName)?.id : undefined,
    });
    containers.set(name, running);
    return { running: { startedAt: new Date().toISOString() } };
  }

  async remove(namespace: string | undefined, name: string | undefined): Promise<void> {
    const stored = this.get(namespace, name);
    this.#pods.delete(`${namespace}/${name}`);
    await stored?.cri?.remove();
  }

  #store(object: PodObject, cri?: Pod): StoredPod {
    const stored = { object, cri, containers: new Map<string, RunningPodContainer>() };
    this.#pods.set(`${object.metadata.namespace}/${object.metadata.name}`, stored);
    return stored;
  }

  #node({ nodeName = "" }: PodSpec): Node {
    const node = this.#nodes[nodeName];
    if (node === undefined) throw new Error(`no node ${nodeName}`);
    return node;
  }
}

async function hasImage(node: Node, image: string): Promise<boolean> {
  const status = await node.call("ImageStatus", [[1, [[1, image]]]]);
  return status.message(1).text(1) !== "";
}

/** Maps the node's paths that a helper mounts to the directory of the test's containerd. */
function criOptions(directory: string, node: Node, spec: PodSpec, container: ContainerSpec): PodContainerOptions {
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => {
    const path = spec.volumes?.find((volume) => volume.name === name)?.hostPath?.path;
    const source = path === undefined ? `${directory}/${uniqueName("empty")}` : `${node.directory}/host${path}`;
    mkdirSync(source, { recursive: true });
    return { source, destination: mountPath, isReadOnly: readOnly === true };
  });
  const socket = `${node.directory}/host/run/containerd/containerd.sock`;
  if (existsSync(`${node.directory}/host/run/containerd`) && !existsSync(socket)) linkSync(node.socket, socket);
  // The CRI reports this containerd's own paths of logs.
  const logs = `${node.directory}/logs`;
  mkdirSync(logs, { recursive: true });
  const own = { source: logs, destination: logs, isReadOnly: true };
  return {
    ...{ name: container.name, image: container.image, hostPid: spec.hostPID === true, mounts: [...mounts, own] },
    command: container.command ?? [],
    capabilities: container.securityContext?.capabilities?.add ?? [],
    isRootReadOnly: container.securityContext?.readOnlyRootFilesystem === true,
  };
}

/** The kubelet's reason why a container waits. */
function notCreated({ message }: Error): { reason: string; message: string } {
  return { reason: "CreateContainerError", message };
}
