import { createHash, randomBytes } from "node:crypto";
import { innerPid } from "../../descriptors/process.ts";
import type { Engine } from "../../engines/api/engine.ts";
import { SIDECAR_LABEL } from "../../engines/containers/container-list.ts";
import type { RunningContainer } from "../../engines/lookup/resolve.ts";
import { VERSION } from "../../protocol/messages.ts";
import { agentImage } from "../agents/agent-image.ts";
import { AGENT_NAME } from "../agents/agent-program.ts";
import { isFirstProcess } from "../agents/kernel.ts";
import { agentOptions, type StartOptions } from "../rendezvous/accept-over-stream.ts";
import type { Rendezvous } from "../rendezvous/rendezvous.ts";
import { MOUNT_POINT, type RunDirectory } from "../run-directory/run-dir.ts";
import type { SidecarGuard } from "./sidecar-guard.ts";

/**
 * Label of every sidecar; its value is the owner's run directory, because several users may share
 * an engine.
 */
export const OWNER_LABEL = "io.porthole.run-directory";
/** Label of every sidecar; its value identifies one start. */
export const START_LABEL = "io.porthole.start";

/** Parameters of one sidecar. */
export interface Sidecar {
  engine: Engine;
  /** The target's id: 64 hexadecimal digits. */
  target: string;
  /** For messages. */
  name: string;
  /** The agent's arguments besides those of the rendezvous. */
  options: string[];
  /** Overrides of HostConfig. */
  host: Record<string, unknown>;
  /** Additional binds, as `SOURCE:DESTINATION:ro`. */
  binds?: string[];
  /** Id of its image; default: the agent's own image. */
  image?: string;
  /** Suffix of its name, for targets that may have several sidecars at once. */
  suffix?: string;
}

/** Options of the container itself. */
export interface SidecarOptions extends StartOptions {
  /** Maximum number of processes; 0 means no limit. */
  pidsLimit: number;
}

/** Body of the request that creates a sidecar. */
export function describeSidecar(
  sidecar: Sidecar,
  run: RunDirectory,
  rendezvous: Rendezvous,
  options: SidecarOptions & { guard: SidecarGuard },
): object {
  const { target, host, binds = [], image } = sidecar;
  return {
    Image: image ?? agentImage(),
    // Nothing of an image runs, neither its entry point nor its health check. Podman treats an
    // empty entry point as missing.
    ...(image !== undefined && {
      Entrypoint: [`${MOUNT_POINT}/${AGENT_NAME}`],
      Healthcheck: { Test: ["NONE"] },
    }),
    Cmd: [
      ...(image === undefined ? [`/${AGENT_NAME}`] : []),
      ...["sidecar", ...agentOptions(rendezvous, options), ...sidecar.options],
    ],
    User: "0:0",
    WorkingDir: "/",
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: true,
    Labels: { [SIDECAR_LABEL]: target, [OWNER_LABEL]: run.root, [START_LABEL]: options.guard.start },
    HostConfig: {
      NetworkMode: "none",
      IpcMode: "private",
      ReadonlyRootfs: true,
      AutoRemove: true,
      CapDrop: ["ALL"],
      Binds: [`${run.mount}:${MOUNT_POINT}:ro`, ...binds],
      PidsLimit: options.pidsLimit,
      LogConfig: { Type: "none", Config: {} },
      ...host,
    },
  };
}

/**
 * The name is the same for every start, so that a later start finds an interrupted one. It depends
 * on the target, on the user (several share an engine) and on the protocol version.
 */
export function sidecarName(target: string, run: RunDirectory, suffix = ""): string {
  const owner = createHash("sha256").update(run.root).digest("hex").slice(0, 8);
  return `porthole-${target.slice(0, 12)}-${owner}-v${VERSION}${suffix}`;
}

/**
 * Describes a sidecar that passes a tree of the container's mounts and exits. It needs SYS_ADMIN
 * and SYS_CHROOT to join the container's mount namespace.
 */
export function treeSidecar(container: RunningContainer): Sidecar {
  const { host, options, ...rest } = besideRunning(container);
  const { CapAdd, ...same } = host;
  const capabilities = [...(CapAdd as string[]), "SYS_ADMIN", "SYS_CHROOT"];
  return { ...rest, options: [...options, "--tree"], host: { ...same, CapAdd: capabilities }, suffix: treeSuffix() };
}

/** Distinguishes the sidecars for trees of one target, which several commands may start at once. */
export function treeSuffix(): string {
  return `-tree-${randomBytes(4).toString("hex")}`;
}

/** Describes a sidecar that serves a running container. */
export function besideRunning(container: RunningContainer): Sidecar {
  const pidNamespace = pidNamespaceOf(container);
  return {
    ...{ engine: container.engine, target: container.id, name: container.name },
    options: ["--target-pid", String(pidNamespace.targetPid)],
    host: {
      PidMode: pidNamespace.pidMode,
      ...(container.usernsMode !== "" && { UsernsMode: container.usernsMode }),
      // SYS_PTRACE is for /proc/PID/root. DAC_OVERRIDE is for files of every owner and for
      // connecting to the rendezvous.
      CapAdd: ["SYS_PTRACE", "DAC_OVERRIDE"],
      SecurityOpt: pidNamespace.securityOptions,
      // With fewer device rules than the target's, opens in the sidecar would fail. With more, the
      // agent could open devices that the target may not.
      Devices: container.devices,
      DeviceCgroupRules: container.privileged ? ["a *:* rwm"] : container.deviceCgroupRules,
    },
  };
}

/** The sidecar's PID namespace, and the pid of the target's first process in it. */
interface PidNamespace {
  pidMode: string;
  targetPid: number;
  securityOptions: string[];
}

function pidNamespaceOf(container: RunningContainer): PidNamespace {
  const securityOptions = ["no-new-privileges", "label=disable"];
  // In Podman, a container that shares the target's PID namespace blocks `podman rm` of the target.
  if (container.isPodman || container.pidMode === "host") {
    return { pidMode: "host", targetPid: container.pid, securityOptions };
  }
  securityOptions.push("apparmor=unconfined");
  // If the engine's pids are not this machine's, uses the pid inside the container's namespace.
  const targetPid = isFirstProcess(container) ? innerPid(container.pid) : 1;
  return { pidMode: `container:${container.id}`, targetPid, securityOptions };
}
