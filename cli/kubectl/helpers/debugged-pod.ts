import { PortholeError } from "../../../src/errors.ts";
import { type ContainerState, containerState, type StatusJson } from "./container-state.ts";

/** An ephemeral container of a pod. */
export interface EphemeralContainer extends ContainerState {
  name: string;
  image: string;
  /** The container whose processes it sees. */
  target: string;
}

/** A user of a container; undefined fields are unknown. */
export interface ContainerUser {
  uid: number | undefined;
  gid: number | undefined;
}

/** The properties of a pod that an ephemeral container depends on. */
export interface DebuggedPod {
  /** `NAMESPACE/POD`. */
  name: string;
  ephemeral: readonly EphemeralContainer[];
  /** False if a container of the pod may have mounted a file system. */
  hasOnlyRuntimeMounts: boolean;
  /** True if the pod forbids containers that run as root. */
  forbidsRoot: boolean;
  /** The user of containers whose specification names none. */
  defaultUser: ContainerUser;
  /**
   * Returns the container to read.
   * @param named as on the command line
   * @throws PortholeError TARGET
   */
  target(named: string | undefined): string;
  /** Returns the user that a container runs as. */
  userOf(container: string): ContainerUser;
  /**
   * True if the processes of an ephemeral container have a capability that its target lacks. The
   * target can then neither trace them nor change their files (ptrace(2)).
   */
  isProtected(ephemeral: string): boolean;
}

interface SecurityContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  privileged?: boolean;
  capabilities?: { add?: string[] };
}

interface ContainerJson {
  name: string;
  securityContext?: SecurityContext;
}

interface EphemeralJson extends ContainerJson {
  image: string;
  targetContainerName?: string;
}

interface WithUser extends StatusJson {
  user?: { linux?: { uid?: number; gid?: number } };
}

interface PodJson {
  metadata: { name: string; namespace?: string; annotations?: Record<string, string> };
  spec: {
    hostPID?: boolean;
    shareProcessNamespace?: boolean;
    securityContext?: SecurityContext;
    containers: ContainerJson[];
    initContainers?: ContainerJson[];
    ephemeralContainers?: EphemeralJson[];
  };
  status?: { containerStatuses?: WithUser[]; ephemeralContainerStatuses?: StatusJson[] };
}

/** Parses the output of `kubectl get pod -o json`. */
export function debuggedPod(json: string): DebuggedPod {
  const pod = JSON.parse(json) as PodJson;
  const { spec, metadata } = pod;
  const ephemeral = spec.ephemeralContainers ?? [];
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...ephemeral];
  const { runAsUser: uid, runAsGroup: gid, runAsNonRoot } = spec.securityContext ?? {};
  const named = (name: string) => all.find((one) => one.name === name);
  return {
    name: `${metadata.namespace ?? "default"}/${metadata.name}`,
    ephemeral: ephemeral.map((one) => stateOf(one, pod)),
    hasOnlyRuntimeMounts: !all.some((one) => has(one, "SYS_ADMIN")),
    forbidsRoot: runAsNonRoot === true,
    defaultUser: { uid, gid },
    target: (asked) => targetOf(pod, asked),
    userOf: (container) => userOf(pod, container),
    isProtected: (name) => {
      const added = ephemeral.find((one) => one.name === name);
      const isRoot = (added?.securityContext?.runAsUser ?? uid ?? 0) === 0;
      const target = named(added?.targetContainerName ?? "");
      return isRoot && has(added, "SYS_PTRACE") && target !== undefined && !has(target, "SYS_PTRACE");
    },
  };
}

function stateOf({ name, image, targetContainerName = "" }: EphemeralJson, { status }: PodJson): EphemeralContainer {
  const own = status?.ephemeralContainerStatuses?.find((one) => one.name === name);
  return { name, image, target: targetContainerName, ...containerState(own) };
}

/** True if a container has a capability besides the runtime's default ones. */
function has(container: ContainerJson | undefined, capability: string): boolean {
  const { privileged, capabilities } = container?.securityContext ?? {};
  const added = (capabilities?.add ?? []).map((one) => one.toUpperCase().replace(/^CAP_/, ""));
  return privileged === true || added.includes(capability) || added.includes("ALL");
}

function userOf({ spec, status }: PodJson, name: string): ContainerUser {
  const running = status?.containerStatuses?.find((one) => one.name === name)?.user?.linux;
  const own = spec.containers.find((one) => one.name === name)?.securityContext;
  return {
    uid: running?.uid ?? own?.runAsUser ?? spec.securityContext?.runAsUser,
    gid: running?.gid ?? own?.runAsGroup ?? spec.securityContext?.runAsGroup,
  };
}

function targetOf(pod: PodJson, named: string | undefined): string {
  const name = nameOfTarget(pod, named);
  const { metadata, status } = pod;
  const state = status?.containerStatuses?.find((one) => one.name === name);
  const { isRunning, reason } = containerState(state);
  // A container that is added to it would have no processes to see, and its entry would remain.
  if (state !== undefined && !isRunning)
    throw new PortholeError("TARGET", `the container ${name} of ${metadata.name} is not running: ${reason}`, {
      hint:
        state.state?.terminated === undefined
          ? `kubectl describe pod -n ${metadata.namespace ?? "default"} ${metadata.name} shows the reason`
          : "a helper pod reads the files of a container that has ended: omit --ephemeral",
    });
  return name;
}

function nameOfTarget({ metadata, spec }: PodJson, named: string | undefined): string {
  const names = spec.containers.map(({ name }) => name);
  const chosen = named ?? metadata.annotations?.["kubectl.kubernetes.io/default-container"];
  const shared = spec.hostPID ? "it shares the PID namespace of its node" : "its containers share a PID namespace";
  // Process 1 is then the node's or the pod's, not the container's.
  if (spec.hostPID || spec.shareProcessNamespace)
    throw new PortholeError("TARGET", `--ephemeral cannot read ${metadata.name}: ${shared}`, {
      hint: "use a helper pod: omit --ephemeral",
    });
  if (chosen !== undefined && names.includes(chosen)) return chosen;
  const [only = ""] = names;
  if (chosen === undefined && names.length === 1) return only;
  const what = chosen === undefined ? "has several containers" : `has no container '${chosen}'`;
  throw new PortholeError("TARGET", `${metadata.name} ${what}: ${names.join(", ")}`, {
    hint: `write ${metadata.name}/CONTAINER:/path`,
  });
}
