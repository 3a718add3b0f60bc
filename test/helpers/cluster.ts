import { existsSync, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEachFile } from "./cleanup.ts";
import type { Node, Pod, PodContainerOptions, PodOptions, RunningPodContainer } from "./cri.ts";
import { uniqueName } from "./engine.ts";

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
  /** Starts ephemeral containers like a runtime without support for `--target`. */
  ignoreTargets(namespace: string): void;
  /** Ends all exec connections to a node, and refuses more until `restore`. */
  lose(node: string): void;
  restore(node: string): void;
  stop(): Promise<void>;
}

export interface ClusterPod {
  containers: RunningPodContainer[];
  remove(): Promise<void>;
}

interface StoredPod {
  object: PodObject;
  cri: Pod | undefined;
  containers: Map<string, RunningPodContainer>;
}

interface PodObject {
  metadata: { name: string; namespace: string; uid: string; labels: Record<string, string> };
  spec: PodSpec;
  status: {
    phase: string;
    conditions: { type: string; status: string }[];
    ephemeralContainerStatuses?: { name: string; state: object }[];
  };
}

/** A level of Pod Security admission below `privileged`. */
type SecurityLevel = "baseline" | "restricted";

interface PodSpec {
  nodeName?: string;
  hostPID?: boolean;
  containers: ContainerSpec[];
  ephemeralContainers?: EphemeralSpec[];
  volumes?: { name: string; hostPath?: { path: string }; emptyDir?: object }[];
}

interface ContainerSpec {
  name: string;
  image: string;
  command?: string[];
  securityContext?: SecurityContext;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

interface SecurityContext {
  readOnlyRootFilesystem?: boolean;
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  capabilities?: { add?: string[]; drop?: string[] };
}

interface EphemeralSpec extends ContainerSpec {
  targetContainerName?: string;
}

const clusters = new Set<Cluster>();

afterEachFile(async () => {
  for (const cluster of clusters) await cluster.stop();
  clusters.clear();
});

/** @param images names of the images in the nodes, which a registry provides in a real cluster */
export async function startCluster(directory: string, nodes: Readonly<Record<string, Node>>): Promise<Cluster> {
  const pods = new Map<string, StoredPod>();
  const requests: string[] = [];
  const lost = new Set<string>();
  const tunnels = new Map<string, Set<Socket>>(Object.keys(nodes).map((name) => [name, new Set<Socket>()]));
  let forbidden: RegExp | undefined;
  const levels = new Map<string, SecurityLevel | undefined>();
  const withoutTargets = new Set<string>();

  const store = (object: PodObject, cri?: Pod): StoredPod => {
    const stored = { object, cri, containers: new Map<string, RunningPodContainer>() };
    pods.set(`${object.metadata.namespace}/${object.metadata.name}`, stored);
    return stored;
  };
  const remove = async (key: string) => {
    const stored = pods.get(key);
    pods.delete(key);
    await stored?.cri?.remove();
  };

  /** Starts a pod as the kubelet of its node does. */
  const start = async (object: PodObject): Promise<void> => {
    const { name, namespace, labels } = object.metadata;
    const stored = store(object);
    const node = nodes[object.spec.nodeName ?? ""];
    if (node === undefined) return;
    stored.cri = await node.pod({ namespace, name, labels, hostPid: object.spec.hostPID === true });
    for (const container of object.spec.containers) {
      const known = await node.call("ImageStatus", [[1, [[1, container.image]]]]);
      if (known.message(1).text(1) === "") return;
      stored.containers.set(container.name, await stored.cri.run(criOptions(directory, node, object.spec, container)));
    }
    object.status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  };

  /** Starts an ephemeral container as the kubelet does, in the PID namespace of its target. */
  const addEphemeral = async ({ object, cri, containers }: StoredPod, added: EphemeralSpec): Promise<void> => {
    const node = nodes[object.spec.nodeName ?? ""] as Node;
    object.spec.ephemeralContainers = [...(object.spec.ephemeralContainers ?? []), added];
    const status = { name: added.name, state: { waiting: { reason: "ContainerCreating" } } as object };
    object.status.ephemeralContainerStatuses = [...(object.status.ephemeralContainerStatuses ?? []), status];
    const known = await node.call("ImageStatus", [[1, [[1, added.image]]]]);
    if (known.message(1).text(1) === "") {
      status.state = { waiting: { reason: "ErrImagePull" } };
      return;
    }
    const { name, image, command = [], targetContainerName = "" } = added;
    const { runAsUser: user, runAsGroup: group, capabilities } = added.securityContext ?? {};
    const isTargeted = !withoutTargets.has(object.metadata.namespace);
    const running = await (cri as Pod).run({
      ...{ name, image, command, user, group },
      ...(capabilities?.drop?.includes("ALL")
        ? { capabilities: capabilities.add ?? [] }
        : { addedCapabilities: capabilities?.add ?? [] }),
      pidTarget: isTargeted ? containers.get(targetContainerName)?.id : undefined,
    });
    containers.set(name, running);
    status.state = { running: { startedAt: new Date().toISOString() } };
  };

  const list = (url: URL, namespace: string | undefined, name?: string) =>
    [...pods.values()]
      .map(({ object }) => object)
      .filter(({ metadata, spec }) => {
        const fields = url.searchParams.get("fieldSelector") ?? "";
        return (
          (namespace === undefined || metadata.namespace === namespace) &&
          (name === undefined || metadata.name === name) &&
          hasLabels(metadata.labels, url.searchParams.get("labelSelector") ?? "") &&
          hasLabels({ "metadata.name": metadata.name, "spec.nodeName": spec.nodeName ?? "" }, fields)
        );
      })
      .map((object) => ({ apiVersion: "v1", kind: "Pod", ...object }));

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "", "http://cluster");
    const body = await text(request);
    requests.push(`${request.method} ${request.url}`);
    const send = (status: number, object: object) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(object));
    };
    const fail = (code: number, reason: string, message: string) =>
      send(code, { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code });
    if (forbidden?.test(`${request.method} ${url.pathname}`))
      return fail(403, "Forbidden", `pods is forbidden: User "someone" cannot do this in the namespace`);
    const discovered = DISCOVERY[url.pathname];
    if (discovered !== undefined) return send(200, discovered);
    const [, podNamespace, podName] =
      /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/ephemeralcontainers$/.exec(url.pathname) ?? [];
    const debugged = podName === undefined ? undefined : pods.get(`${podNamespace}/${podName}`);
    if (request.method === "PATCH" && debugged !== undefined) {
      const patch = JSON.parse(body) as { spec: { ephemeralContainers: EphemeralSpec[] } };
      const violation = patch.spec.ephemeralContainers.map((one) => podSecurity(levels.get(podNamespace ?? ""), one));
      if (violation[0] !== undefined)
        return fail(403, "Forbidden", `pods "${podName}" is forbidden: violates PodSecurity ${violation[0]}`);
      for (const added of patch.spec.ephemeralContainers) void addEphemeral(debugged, added);
      return send(200, { apiVersion: "v1", kind: "Pod", ...debugged.object });
    }
    const [, group, namespace, kind, name] =
      /^(\/api\/v1|\/apis\/[^/]+\/v1)(?:\/namespaces\/([^/]+))?\/(pods|namespaces|daemonsets|roles)(?:\/([^/]+))?$/.exec(
        url.pathname,
      ) ?? [];
    if (group === undefined || kind === undefined) return fail(404, "NotFound", `no ${url.pathname} here`);
    if (request.method === "POST") {
      const object = JSON.parse(body) as PodObject & { kind: string };
      object.metadata.namespace ??= namespace ?? "default";
      object.metadata.uid = uniqueName("uid");
      if (kind === "pods") {
        if (pods.has(`${namespace}/${object.metadata.name}`)) return fail(409, "AlreadyExists", "it exists");
        object.status = { phase: "Pending", conditions: [] };
        void start(object);
      }
      if (kind === "daemonsets") {
        const { template } = object.spec as unknown as { template: Pick<PodObject, "metadata" | "spec"> };
        for (const node of Object.keys(nodes))
          await start({
            metadata: {
              ...template.metadata,
              name: `porthole-${node}`,
              namespace: namespace ?? "",
              uid: uniqueName("uid"),
            },
            spec: { ...template.spec, nodeName: node },
            status: { phase: "Pending", conditions: [] },
          });
      }
      return send(201, object);
    }
    if (kind !== "pods") return fail(404, "NotFound", `${kind} "${name}" not found`);
    if (request.method === "DELETE") {
      await remove(`${namespace}/${name}`);
      return send(200, { kind: "Status", apiVersion: "v1", status: "Success" });
    }
    if (name !== undefined) {
      const [found] = list(url, namespace, name);
      return found === undefined ? fail(404, "NotFound", `pods "${name}" not found`) : send(200, found);
    }
    if (url.searchParams.get("watch") !== null) return watch(response, () => list(url, namespace));
    send(200, { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items: list(url, namespace) });
  };

  const server = createServer((request, response) => void answer(request, response));
  server.on("upgrade", async (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "", "http://cluster");
    requests.push(`${request.method} ${url.pathname}`);
    const refuse = (status: string, reason: string, message: string) => {
      const body = JSON.stringify({
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        message,
        reason,
        code: Number.parseInt(status, 10),
      });
      socket.end(
        `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
    };
    const [, namespace, name] = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/exec$/.exec(url.pathname) ?? [];
    const stored = pods.get(`${namespace}/${name}`);
    if (forbidden?.test(`${request.method} ${url.pathname}`))
      return refuse(
        "403 Forbidden",
        "Forbidden",
        `pods "${name}" is forbidden: User "someone" cannot create resource "pods/exec"`,
      );
    const nodeName = stored?.object.spec.nodeName ?? "";
    const node = nodes[nodeName];
    if (stored === undefined || node === undefined || lost.has(nodeName))
      return refuse("500 Internal Server Error", "InternalError", `error dialing backend: no route to ${nodeName}`);
    const wanted = url.searchParams.get("container") ?? stored.object.spec.containers[0]?.name ?? "";
    const flag = (key: string) => ["true", "1"].includes(url.searchParams.get(key) ?? "");
    const exec = await node.call("Exec", [
      [1, stored.containers.get(wanted)?.id ?? ""],
      ...url.searchParams.getAll("command").map((word) => [2, word] as const),
      [3, flag("tty")],
      [4, flag("stdin")],
      [5, flag("stdout")],
      [6, flag("stderr")],
    ]);
    const address = new URL(exec.text(1));
    const upstream = connect(Number(address.port), address.hostname);
    const open = tunnels.get(nodeName);
    open?.add(socket);
    const close = () => {
      open?.delete(socket);
      socket.destroy();
      upstream.destroy();
    };
    for (const one of [socket, upstream]) one.on("error", close).on("close", close);
    const headers = request.rawHeaders.map((word, index) => (index % 2 === 0 ? `${word}: ` : `${word}\r\n`)).join("");
    upstream.write(`${request.method} ${address.pathname}${address.search} HTTP/1.1\r\n${headers}\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const kubeconfig = `${directory}/kubeconfig-${port}`;
  writeFileSync(kubeconfig, JSON.stringify(configuration(port)));

  let stopped: Promise<void> | undefined;
  const cluster: Cluster = {
    ...{ kubeconfig, requests },
    pod: async (nodeName, options, containers) => {
      const node = nodes[nodeName] as Node;
      const { name, namespace, labels = {} } = options;
      const stored = store(
        {
          metadata: { name, namespace, uid: uniqueName("uid"), labels },
          spec: { nodeName, containers: containers.map(specOf) },
          status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
        },
        await node.pod(options),
      );
      const running: RunningPodContainer[] = [];
      for (const one of containers) {
        const container = (await stored.cri?.run(one)) as RunningPodContainer;
        stored.containers.set(one.name, container);
        running.push(container);
      }
      return { containers: running, remove: () => remove(`${namespace}/${name}`) };
    },
    names: (namespace) => [...pods.keys()].filter((key) => key.startsWith(`${namespace}/`)),
    forbid: (pattern) => {
      forbidden = pattern;
    },
    enforce: (namespace, level) => void levels.set(namespace, level),
    ignoreTargets: (namespace) => void withoutTargets.add(namespace),
    lose: (node) => {
      lost.add(node);
      for (const socket of tunnels.get(node) ?? []) socket.destroy();
    },
    restore: (node) => void lost.delete(node),
    stop: () => {
      stopped ??= new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const one of tunnels.values()) for (const socket of one) socket.destroy();
      }).finally(() => clusters.delete(cluster));
      return stopped;
    },
  };
  clusters.add(cluster);
  return cluster;
}

/** Describes a container of a test as the API server does. */
function specOf({ name, user, group, addedCapabilities }: PodContainerOptions): ContainerSpec {
  return {
    ...{ name, image: "workload" },
    securityContext: {
      ...(user !== undefined && { runAsUser: user }),
      ...(group !== undefined && { runAsGroup: group }),
      ...(addedCapabilities !== undefined && { capabilities: { add: [...addedCapabilities] } }),
    },
  };
}

/** Returns how a container violates a level of Pod Security; undefined if it does not. */
function podSecurity(level: SecurityLevel | undefined, { name, securityContext = {} }: ContainerSpec) {
  const { capabilities, runAsNonRoot } = securityContext;
  const [added] = capabilities?.add ?? [];
  if (level !== undefined && added !== undefined)
    return `"${level}:latest": non-default capabilities (container "${name}" must not include "${added}" in securityContext.capabilities.add)`;
  if (level === "restricted" && (runAsNonRoot !== true || capabilities?.drop?.[0] !== "ALL"))
    return `"restricted:latest": runAsNonRoot != true (container "${name}" must set securityContext.runAsNonRoot=true)`;
  return undefined;
}

/** Maps the node's paths that a helper mounts to the directory of the test's containerd. */
function criOptions(directory: string, node: Node, spec: PodSpec, container: ContainerSpec): PodContainerOptions {
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => {
    const path = spec.volumes?.find((volume) => volume.name === name)?.hostPath?.path;
    const source = path === undefined ? `${directory}/${uniqueName("empty")}` : `${node.directory}/host${path}`;
    mkdirSync(source, { recursive: true });
    return { source, place: mountPath, isReadOnly: readOnly === true };
  });
  const socket = `${node.directory}/host/run/containerd/containerd.sock`;
  if (existsSync(`${node.directory}/host/run/containerd`) && !existsSync(socket)) linkSync(node.socket, socket);
  // The CRI reports this containerd's own paths of layers and logs.
  const own = { source: node.directory, place: node.directory, isReadOnly: true };
  return {
    ...{ name: container.name, image: container.image, hostPid: spec.hostPID === true, mounts: [...mounts, own] },
    command: container.command ?? [],
    capabilities: container.securityContext?.capabilities?.add ?? [],
    isRootReadOnly: container.securityContext?.readOnlyRootFilesystem === true,
  };
}

/** Sends each matching pod when it appears and changes, and its removal. */
function watch(response: ServerResponse, list: () => (PodObject & { kind: string })[]): void {
  response.writeHead(200, { "content-type": "application/json" });
  const seen = new Map<string, { text: string; object: PodObject }>();
  const timer = setInterval(() => {
    const now = new Map(list().map((object) => [object.metadata.uid, object]));
    for (const [uid, object] of now) {
      const body = JSON.stringify(object);
      const before = seen.get(uid);
      if (before?.text === body) continue;
      seen.set(uid, { text: body, object });
      response.write(`${JSON.stringify({ type: before === undefined ? "ADDED" : "MODIFIED", object })}\n`);
    }
    for (const [uid, { object }] of seen) {
      if (now.has(uid)) continue;
      seen.delete(uid);
      response.write(`${JSON.stringify({ type: "DELETED", object })}\n`);
    }
  }, 50);
  response.on("close", () => clearInterval(timer));
}

/** Matches a selector: `key=value,key!=value,key in (a,b)`, and a key alone. */
function hasLabels(labels: Readonly<Record<string, string>>, selector: string): boolean {
  const terms = selector.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];
  return terms.every((term) => {
    const set = /^\s*(\S+) in \((.*)\)\s*$/.exec(term);
    if (set !== null)
      return (set[2] ?? "")
        .split(",")
        .map((one) => one.trim())
        .includes(labels[set[1] ?? ""] ?? "");
    const [, key = "", operator, value] = /^\s*([^=!]+?)\s*(?:(!=|==?)\s*(.*))?$/.exec(term) ?? [];
    if (operator === undefined) return key in labels;
    return operator === "!=" ? labels[key] !== value : labels[key] === value;
  });
}

function text(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let all = "";
    request.setEncoding("utf8").on("data", (piece: string) => {
      all += piece;
    });
    request.on("end", () => resolve(all));
  });
}

function configuration(port: number): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "test", user: {} }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: "shop" } }],
  };
}

const resource = (name: string, kind: string, namespaced = true) => ({
  ...{ name, kind, namespaced, singularName: "" },
  verbs: ["create", "delete", "get", "list", "patch", "watch"],
});

const groups = {
  apps: [resource("daemonsets", "DaemonSet")],
  "rbac.authorization.k8s.io": [resource("roles", "Role")],
};

const DISCOVERY: Readonly<Record<string, object>> = {
  "/version": { major: "1", minor: "32", gitVersion: "v1.32.0" },
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/api/v1": {
    kind: "APIResourceList",
    groupVersion: "v1",
    resources: [
      resource("pods", "Pod"),
      resource("pods/exec", "PodExecOptions"),
      resource("pods/ephemeralcontainers", "Pod"),
      resource("namespaces", "Namespace", false),
    ],
  },
  "/apis": {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: Object.keys(groups).map((name) => ({
      name,
      versions: [{ groupVersion: `${name}/v1`, version: "v1" }],
      preferredVersion: { groupVersion: `${name}/v1`, version: "v1" },
    })),
  },
  ...Object.fromEntries(
    Object.entries(groups).map(([name, resources]) => [
      `/apis/${name}/v1`,
      { kind: "APIResourceList", apiVersion: "v1", groupVersion: `${name}/v1`, resources },
    ]),
  ),
};
