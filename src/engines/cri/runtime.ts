import type { WaitOptions } from "../../descriptors/poll.ts";
import { PortholeError } from "../../errors.ts";
import type { Engine } from "../api/engine-address.ts";
import { isFullId } from "../api/engine-json.ts";
import type { PodContainer } from "../containers/pod-container.ts";
import { GrpcConnection, GrpcError, GrpcStatus } from "./grpc.ts";
import type { Fields, ProtobufMessage } from "./protobuf.ts";

/**
 * Status of one container. Field numbers in this file are those of k8s.io/cri-api,
 * runtime/v1/api.proto.
 */
export interface PodContainerStatus {
  state: PodContainer["state"];
  /** Nanoseconds since 1970; 0 if the container was never started. */
  startedAt: bigint;
  finishedAt: bigint;
  exitCode: number;
  /** A word such as `OOMKilled`, and the runtime's message about a failure. */
  reason: string;
  message: string;
  /** As in {@link PodContainer}. */
  attempt: number;
  /** Host pid of its first process; 0 if it has none. */
  pid: number;
  runtime: string;
  isPrivileged: boolean;
  /** Path of its log file; empty if the runtime keeps none. */
  logPath: string;
  mounts: { source: string; destination: string; isReadOnly: boolean }[];
  /** containerd's names of its layers; empty for other runtimes. */
  snapshotter: string;
  snapshotKey: string;
}

/** The kubelet's container runtime: containerd, CRI-O, k3s, cri-dockerd. */
export class CriRuntime implements Disposable {
  readonly #engine: Engine;
  readonly #connection: GrpcConnection;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#connection = new GrpcConnection(engine.socketPath);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }

  /**
   * Name and version of the runtime, such as `containerd v2.1.9`.
   * @throws PortholeError as {@link containers}
   */
  async version(options: WaitOptions = {}): Promise<string> {
    const answer = await this.#call("Version", [], options);
    return `${answer.text(2)} ${answer.text(3)}`;
  }

  /**
   * Lists the containers of all pods.
   * @throws PortholeError TARGET if the runtime does not respond; CANCELLED
   */
  async containers(options: WaitOptions = {}): Promise<PodContainer[]> {
    const [pods, containers] = await Promise.all([
      this.#call("ListPodSandbox", [], options),
      this.#call("ListContainers", [], options),
    ]);
    const podById = new Map(pods.messages(1).map((pod) => [pod.text(1), pod]));
    return containers.messages(1).flatMap((container) => {
      const pod = podById.get(container.text(2));
      // The pod was removed between the two responses.
      return pod === undefined || !isFullId(container.text(1)) ? [] : [containerOf(container, pod)];
    });
  }

  /**
   * One container; undefined if it was removed.
   * @throws PortholeError as {@link containers}
   */
  async status(id: string, options: WaitOptions = {}): Promise<PodContainerStatus | undefined> {
    const request: Fields = [
      [1, id],
      [2, true],
    ];
    try {
      const answer = await this.#call("ContainerStatus", request, options);
      return statusOf(answer.message(1), detailsOf(answer.map(2).get("info")));
    } catch (error) {
      if (
        error instanceof PortholeError &&
        error.cause instanceof GrpcError &&
        error.cause.status === GrpcStatus.notFound
      )
        return undefined;
      throw error;
    }
  }

  /**
   * Directories of a container's layers, uppermost first. containerd's snapshot service at the same
   * socket reports them (containerd's api/services/snapshots/v1).
   * @throws PortholeError TARGET, also for a runtime other than containerd
   */
  async layers({ snapshotter, snapshotKey }: PodContainerStatus, options: WaitOptions = {}): Promise<string[]> {
    const answer = await this.#send(
      "/containerd.services.snapshots.v1.Snapshots/Mounts",
      [
        [1, snapshotter],
        [2, snapshotKey],
      ],
      { ...options, headers: { "containerd-namespace": "k8s.io" } },
    );
    return answer.messages(1).flatMap((mount) => layersOfMount(mount.text(1), mount.text(2), mount.texts(4)));
  }

  #call(method: string, request: Fields, options: WaitOptions): Promise<ProtobufMessage> {
    return this.#send(`/runtime.v1.RuntimeService/${method}`, request, options);
  }

  async #send(
    method: string,
    request: Fields,
    options: WaitOptions & { headers?: Record<string, string> },
  ): Promise<ProtobufMessage> {
    try {
      return await this.#connection.call(method, request, options);
    } catch (error) {
      if (error instanceof PortholeError && error.code === "CANCELLED") throw error;
      throw explained(this.#engine, error);
    }
  }
}

/** True if the socket does not serve the CRI, such as that of a containerd for Docker alone. */
export function isWithoutCri(error: unknown): boolean {
  return (
    error instanceof PortholeError &&
    error.cause instanceof GrpcError &&
    error.cause.status === GrpcStatus.unimplemented
  );
}

const STATES = ["created", "running", "exited", "unknown"] as const;

function containerOf(container: ProtobufMessage, pod: ProtobufMessage): PodContainer {
  const podMetadata = pod.message(2);
  const metadata = container.message(3);
  return {
    id: container.text(1),
    namespace: podMetadata.text(3),
    pod: podMetadata.text(1),
    name: metadata.text(1),
    attempt: Number(metadata.whole(2)),
    state: STATES[Number(container.whole(6))] ?? "unknown",
    createdAt: container.whole(7),
    image: container.message(4).text(1),
    labels: pod.map(5),
    defaultContainer: pod.map(6).get("kubectl.kubernetes.io/default-container") ?? "",
  };
}

function statusOf(status: ProtobufMessage, details: Details): PodContainerStatus {
  return {
    state: STATES[Number(status.whole(3))] ?? "unknown",
    startedAt: status.whole(5),
    finishedAt: status.whole(6),
    exitCode: Number(status.whole(7)),
    reason: status.text(10),
    message: status.text(11),
    attempt: Number(status.message(2).whole(2)),
    logPath: status.text(15),
    mounts: status
      .messages(14)
      .map((mount) => ({ source: mount.text(2), destination: mount.text(1), isReadOnly: mount.whole(3) !== 0n })),
    pid: numberIn(details.pid),
    runtime: textIn(details.runtimeType),
    isPrivileged: details.privileged === true || details.config?.linux?.security_context?.privileged === true,
    snapshotter: textIn(details.snapshotter),
    snapshotKey: textIn(details.snapshotKey),
  };
}

/**
 * Fields of the JSON in a verbose status. containerd and CRI-O have different fields, but both have
 * `pid`.
 */
interface Details {
  pid?: unknown;
  runtimeType?: unknown;
  privileged?: unknown;
  snapshotter?: unknown;
  snapshotKey?: unknown;
  config?: { linux?: { security_context?: { privileged?: unknown } } };
}

function detailsOf(json: string | undefined): Details {
  try {
    const parsed: unknown = JSON.parse(json ?? "{}");
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

function numberIn(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/**
 * Returns `upperdir` and `lowerdir` of an overlay. For a bind mount (a single layer, or a
 * snapshotter that copies), returns its source.
 */
function layersOfMount(type: string, source: string, options: readonly string[]): string[] {
  if (type !== "overlay") return source === "" ? [] : [source];
  const option = (name: string) => options.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  return [option("upperdir") ?? "", ...(option("lowerdir") ?? "").split(":")].filter((path) => path !== "");
}

function explained({ socketPath }: Engine, error: unknown): PortholeError {
  const errno = error instanceof PortholeError ? error.errno : (error as NodeJS.ErrnoException).code;
  const fail = (what: string, hint: string) =>
    new PortholeError("TARGET", `cannot ask the container runtime at ${socketPath}: ${what}`, {
      errno,
      hint,
      cause: error,
    });
  if (error instanceof GrpcError && error.status === GrpcStatus.unimplemented)
    return fail("it does not serve the CRI", "enable its cri plugin, or name another socket with --engine cri:PATH");
  if (errno === "EACCES" || errno === "EPERM") return fail("permission denied", "run porthole as root on the node");
  if (errno === "ENOENT" || errno === "ECONNREFUSED" || errno === "ENOTDIR")
    return fail("nothing is listening there", "start it, or name another socket with --engine cri:PATH");
  return fail((error as Error).message, "check the runtime's log: journalctl -u containerd");
}
