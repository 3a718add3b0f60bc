import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { inject } from "vitest";
import { GrpcConnection } from "../../src/engines/cri/grpc.ts";
import type { Fields, ProtobufMessage } from "../../src/engines/cri/protobuf.ts";
import { afterEachFile } from "./cleanup.ts";
import { uniqueName } from "./engine.ts";
import { isRunning, processName } from "./processes.ts";
import { removeDirectory } from "./remove-directory.ts";
import { tar } from "./tar.ts";
import { waitFor, waitForSuccess } from "./wait-for.ts";

/**
 * A containerd of the tests that serves the CRI, with its state and socket in its own directory.
 */
export interface Node {
  socket: string;
  /** Contains the images, logs and socket of the containerd. */
  directory: string;
  /** Imports an image archive. */
  importImage(file: string): void;
  /** Makes a pod in the host network. */
  pod(options: PodOptions): Promise<Pod>;
  /** Sends a call of the CRI. */
  call(method: string, fields: Fields): Promise<ProtobufMessage>;
  stop(): Promise<void>;
}

export interface PodOptions {
  namespace: string;
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** True if its containers see the processes of the host. */
  hostPid?: boolean;
}

/** A pod; removed with its node. */
export interface Pod {
  id: string;
  /** Starts a container as the kubelet does: each restart increments `attempt`. */
  run(options: PodContainerOptions): Promise<RunningPodContainer>;
  remove(): Promise<void>;
}

export interface PodContainerOptions {
  name: string;
  attempt?: number;
  /** An init container in the pod's specification. The runtime does not distinguish it. */
  isInit?: boolean;
  /** Steps of test/fixtures/workload.c. */
  steps?: readonly string[];
  /** Runs instead of the workload program. `run` does not wait for it. */
  command?: readonly string[];
  mounts?: readonly { source: string; destination: string; isReadOnly?: boolean }[];
  /** Replaces the image of the workload program. Then the image's entry point runs. */
  image?: string;
  /** As `hostPID` and `securityContext` in the specification of a pod. */
  hostPid?: boolean;
  capabilities?: readonly string[];
  /** Capabilities besides the default ones. */
  addedCapabilities?: readonly string[];
  isRootReadOnly?: boolean;
  /** Id of the container whose processes it sees, as an ephemeral container does. */
  pidTarget?: string | undefined;
  /** `runAsUser` and `runAsGroup`. */
  user?: number | undefined;
  group?: number | undefined;
}

export interface RunningPodContainer {
  id: string;
  /** Path of the container's log file. */
  log: string;
  pid: number;
  /** Ends it by SIGKILL, as `kubectl delete --force` does. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

const nodes = new Set<Node>();

afterEachFile(async () => {
  await Promise.all([...nodes].map((node) => node.stop()));
  nodes.clear();
});

/**
 * Starts containerd. Pods use the host network and need no plugin for it.
 * @param programs directory of its programs; default: those on the PATH
 */
export async function startNode({ programs }: { programs?: string | undefined } = {}): Promise<Node> {
  const directory = mkdtempSync(`${inject("machine").directory}/cri-`);
  const socket = `${directory}/c.sock`;
  const env = { ...process.env, PATH: `${programs === undefined ? "" : `${programs}:`}${process.env.PATH}` };
  const version = spawnSync("containerd", ["--version"], { env, encoding: "utf8" }).stdout;
  const isSecond = / v?2\./.test(version);
  writeFileSync(`${directory}/config.toml`, configuration(directory, isSecond));
  const log = openSync(`${directory}/log`, "w");
  const daemon = spawn("containerd", ["--config", `${directory}/config.toml`], { env, stdio: ["ignore", log, log] });
  closeSync(log);
  const ctr = (args: readonly string[], input?: Buffer) => {
    const { status, stderr } = spawnSync("ctr", ["--address", socket, "--namespace", "k8s.io", ...args], {
      env,
      input: input ?? "",
    });
    if (status !== 0) throw new Error(`ctr ${args.join(" ")}: ${stderr}`);
  };
  const callOnce = async (method: string, fields: Fields) => {
    using connection = new GrpcConnection(socket);
    const service = method === "ImageStatus" ? "Image" : "Runtime";
    return await connection.call(`/runtime.v1.${service}Service/${method}`, fields, { timeoutMs: 60_000 });
  };
  const call = (method: string, fields: Fields) => {
    if (!/^(?:Stop|Remove)/.test(method)) return callOnce(method, fields);
    // These calls are idempotent. They fail while the container ends: "ttrpc: closed".
    return waitForSuccess(() => callOnce(method, fields));
  };
  let stopped: Promise<void> | undefined;
  const node: Node = {
    ...{ socket, call, directory },
    importImage: (file) => ctr(["images", "import", file]),
    pod: (options) => makePod(node, directory, options),
    stop: () => {
      stopped ??= stopNode(node, daemon, directory).finally(() => nodes.delete(node));
      return stopped;
    },
  };
  nodes.add(node);
  await waitFor("containerd to serve the CRI", () => {
    if (daemon.exitCode !== null) throw new Error(`containerd ended: ${readFileSync(`${directory}/log`, "utf8")}`);
    return existsSync(socket) ? call("Version", []).catch(() => undefined) : undefined;
  });
  ctr(["images", "import", "-"], imageArchive());
  await waitFor("the CRI to know the image", async () => {
    const answer = await call("ImageStatus", [[1, [[1, IMAGE]]]]);
    return answer.message(1).text(1) !== "";
  });
  return node;
}

const IMAGE = "localhost/porthole-pod:1";

/** Returns a configuration file. containerd 1.6 and 2.x name their plugins differently. */
function configuration(directory: string, isSecond: boolean): string {
  const common = `root = "${directory}/root"\nstate = "${directory}/state"\n[grpc]\n  address = "${socketOf(directory)}"\n`;
  const cni = (name: string) =>
    `[plugins."${name}".cni]\n  conf_dir = "${directory}/cni"\n  bin_dir = "${directory}/cni"\n`;
  if (!isSecond) {
    const plugin = "io.containerd.grpc.v1.cri";
    return `version = 2\n${common}[plugins."${plugin}"]\n  sandbox_image = "${IMAGE}"\n  stream_server_port = "0"\n  restrict_oom_score_adj = true\n${cni(plugin)}`;
  }
  const [images, runtime, server] = ["images", "runtime"]
    .map((one) => `io.containerd.cri.v1.${one}`)
    .concat("io.containerd.grpc.v1.cri");
  return [
    `version = 3\n${common}`,
    `[plugins."${images}".pinned_images]\n  sandbox = "${IMAGE}"\n`,
    `[plugins."${runtime}"]\n  restrict_oom_score_adj = true\n${cni(runtime ?? "")}`,
    `[plugins."${server}"]\n  stream_server_port = "0"\n`,
  ].join("");
}

function socketOf(directory: string): string {
  return `${directory}/c.sock`;
}

/**
 * Builds an image of the workload program in the format of `docker save`. It is also the pause
 * program of a pod.
 */
function imageArchive(): Buffer {
  const layer = tar([
    { name: "workload", content: readFileSync(inject("machine").workload), mode: 0o755 },
    { name: "etc", type: "directory" },
    { name: "etc/image", content: "of the image\n" },
    { name: "bin", type: "directory" },
    { name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 },
    { name: "bin/sh", type: "symlink", target: "busybox" },
    { name: "tmp", type: "directory", mode: 0o1777 },
  ]);
  const digest = createHash("sha256").update(layer).digest("hex");
  const config = JSON.stringify({
    ...{ architecture: "amd64", os: "linux", config: { Entrypoint: ["/workload"] } },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
  });
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  return tar([
    { name: configName, content: config },
    { name: "layer.tar", content: layer },
    {
      name: "manifest.json",
      content: JSON.stringify([{ Config: configName, RepoTags: [IMAGE], Layers: ["layer.tar"] }]),
    },
  ]);
}

/** NamespaceMode of runtime/v1/api.proto. */
const [CONTAINER, NODE, TARGET] = [1, 2, 3];

async function makePod(node: Node, directory: string, options: PodOptions): Promise<Pod> {
  const { namespace, name, labels = {}, annotations = {}, hostPid } = options;
  const uid = uniqueName("uid");
  const logs = `${directory}/logs/${namespace}_${name}_${uid}`;
  mkdirSync(logs, { recursive: true });
  const config: Fields = [
    [1, [...fieldsOf([name, uid, namespace])]],
    [3, logs],
    ...mapFields(6, { "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace, ...labels }),
    ...mapFields(7, annotations),
    [8, [[2, [[1, namespaces(hostPid)]]]]],
  ];
  const id = (await node.call("RunPodSandbox", [[1, config]])).text(1);
  return {
    id,
    run: (container) => runContainer(node, { id, config, logs }, container),
    remove: async () => {
      await node.call("StopPodSandbox", [[1, id]]);
      await node.call("RemovePodSandbox", [[1, id]]);
    },
  };
}

async function runContainer(
  node: Node,
  pod: { id: string; config: Fields; logs: string },
  { name, attempt = 0, steps = [], command, mounts = [], ...options }: PodContainerOptions,
): Promise<RunningPodContainer> {
  mkdirSync(`${pod.logs}/${name}`, { recursive: true });
  const path = `${name}/${attempt}.log`;
  const config: Fields = [
    [
      1,
      [
        [1, name],
        [2, attempt],
      ],
    ],
    [2, [[1, options.image ?? IMAGE]]],
    ...(command ?? ["/workload", ...steps]).map((word) => [3, word] as const),
    ...mounts.map(
      ({ source, destination, isReadOnly }) =>
        [
          7,
          [
            [1, destination],
            [2, source],
            [3, isReadOnly ? 1 : 0],
          ],
        ] as const,
    ),
    [11, path],
    [15, [[2, securityContext(options)]]],
  ];
  const created = await node.call("CreateContainer", [
    [1, pod.id],
    [2, config],
    [3, pod.config],
  ]);
  const id = created.text(1);
  await node.call("StartContainer", [[1, id]]);
  const state = async () => {
    const answer = await node.call("ContainerStatus", [
      [1, id],
      [2, true],
    ]);
    return {
      state: Number(answer.message(1).whole(3)),
      pid: JSON.parse(answer.map(2).get("info") ?? "{}").pid as number,
    };
  };
  const { pid } = await state();
  if (command === undefined)
    await waitFor(`container ${name} to be ready`, () => {
      if (!isRunning(pid)) throw new Error(`${name} ended: ${readFileSync(`${pod.logs}/${path}`, "utf8")}`);
      return processName(pid) === "ready";
    });
  return {
    ...{ id, pid, log: `${pod.logs}/${path}` },
    stop: async () => {
      await node.call("StopContainer", [[1, id]]);
      await waitFor(`container ${name} to be listed as exited`, async () => (await state()).state === EXITED);
    },
    remove: async () => {
      await node.call("RemoveContainer", [[1, id]]);
    },
  };
}

const EXITED = 2;

/**
 * Builds a NamespaceOption as the kubelet does, with the host network. The PID namespace is the
 * container's own, the host's, or that of the container `pidTarget`.
 */
function namespaces(hostPid: boolean | undefined, pidTarget?: string): Fields {
  if (pidTarget !== undefined)
    return [
      [1, NODE],
      [2, TARGET],
      [4, pidTarget],
    ];
  return [
    [1, NODE],
    [2, hostPid ? NODE : CONTAINER],
  ];
}

/** Builds a LinuxContainerSecurityContext of runtime/v1/api.proto. */
function securityContext(options: Partial<PodContainerOptions>): Fields {
  const { hostPid, capabilities, addedCapabilities = [], isRootReadOnly, pidTarget, user, group } = options;
  const added: Fields = [...(capabilities ?? []), ...addedCapabilities].map((one) => [1, one] as const);
  const dropped: Fields = capabilities === undefined ? [] : [[2, "ALL"]];
  return [
    [1, [...added, ...dropped]],
    [3, namespaces(hostPid, pidTarget)],
    ...(user === undefined ? [] : [[5, [[1, user]]] as const]),
    [7, isRootReadOnly ? 1 : 0],
    ...(group === undefined ? [] : [[12, [[1, group]]] as const]),
  ];
}

function fieldsOf(texts: readonly string[]): Fields {
  return texts.map((text, index) => [index + 1, text] as const);
}

function mapFields(field: number, entries: Record<string, string>): Fields {
  return Object.entries(entries).map((entry) => [field, fieldsOf(entry)] as const);
}

async function stopNode(node: Node, daemon: ChildProcess, directory: string): Promise<void> {
  const pods = await node.call("ListPodSandbox", []);
  for (const pod of pods.messages(1)) {
    await node.call("StopPodSandbox", [[1, pod.text(1)]]);
    await node.call("RemovePodSandbox", [[1, pod.text(1)]]);
  }
  daemon.kill("SIGTERM");
  await waitFor("containerd to end", () => daemon.exitCode !== null || daemon.signalCode !== null);
  removeDirectory(directory);
}
