import type { PodContainerOptions } from "../cri.ts";

// Objects of the Kubernetes API, with the fields that porthole sends and reads.

export interface PodObject {
  metadata: { name: string; namespace: string; uid: string; labels: Record<string, string> };
  spec: PodSpec;
  status: {
    phase: string;
    conditions: { type: string; status: string }[];
    containerStatuses?: { name: string; state: object }[];
    ephemeralContainerStatuses?: { name: string; state: object }[];
  };
}

export interface PodSpec {
  nodeName?: string;
  hostPID?: boolean;
  containers: ContainerSpec[];
  initContainers?: ContainerSpec[];
  ephemeralContainers?: EphemeralSpec[];
  volumes?: { name: string; hostPath?: { path: string }; emptyDir?: object }[];
}

export interface ContainerSpec {
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

export interface EphemeralSpec extends ContainerSpec {
  targetContainerName?: string;
}

/** A level of Pod Security admission below `privileged`. */
export type SecurityLevel = "baseline" | "restricted";

export const RUNNING = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };

/** Describes a container of a test as the API server does. */
export function specOf({ name, user, group, addedCapabilities }: PodContainerOptions): ContainerSpec {
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
export function podSecurity(level: SecurityLevel | undefined, { name, securityContext = {} }: ContainerSpec) {
  const { capabilities, runAsNonRoot } = securityContext;
  const [added] = capabilities?.add ?? [];
  if (level !== undefined && added !== undefined)
    return `"${level}:latest": non-default capabilities (container "${name}" must not include "${added}" in securityContext.capabilities.add)`;
  if (level === "restricted" && (runAsNonRoot !== true || capabilities?.drop?.[0] !== "ALL"))
    return `"restricted:latest": runAsNonRoot != true (container "${name}" must set securityContext.runAsNonRoot=true)`;
  return undefined;
}

/** Matches a selector: `key=value,key!=value,key in (a,b)`, and a key alone. */
export function hasLabels(labels: Readonly<Record<string, string>>, selector: string): boolean {
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
