import { AGENT_IN_IMAGE } from "../../../src/elsewhere/index.ts";

/** Seconds without a client after which a helper ends. A killed client cannot remove its helper. */
export const IDLE_S = 600;

/**
 * Directories of the node that the helper mounts read-only. docker/kubernetes/helper.yaml gives the
 * reasons.
 */
const NODE_PATHS = ["/run/containerd", "/run/k3s", "/run/crio", "/var/log/pods"];

/** A helper pod for a single client. docker/kubernetes/helper.yaml describes the shared helpers. */
export interface HelperPod {
  name: string;
  namespace: string;
  node: string;
  image: string;
  /** Identifies the client; see {@link ownerLabel}. */
  owner: string;
}

/** Returns the manifest of a helper pod, as JSON for `kubectl create -f -`. */
export function helperManifest({ name, namespace, node, image, owner }: HelperPod): string {
  const volumes = [
    { name: "state", emptyDir: { medium: "Memory", sizeLimit: "16Mi" } },
    { name: "temporary", emptyDir: { sizeLimit: "64Mi" } },
    ...NODE_PATHS.map((path, index) => ({ name: `node-${index}`, hostPath: { path } })),
  ];
  const volumeMounts = [
    { name: "state", mountPath: "/root" },
    { name: "temporary", mountPath: "/tmp" },
    ...NODE_PATHS.map((path, index) => ({ name: `node-${index}`, mountPath: path, readOnly: true })),
  ];
  const capabilities = {
    drop: ["ALL"],
    add: ["SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH"],
  };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { "app.kubernetes.io/name": "porthole", "porthole-owner": owner } },
    spec: {
      nodeName: node,
      hostPID: true,
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      tolerations: [{ operator: "Exists" }],
      containers: [
        {
          name: "porthole",
          image,
          imagePullPolicy: "IfNotPresent",
          command: [AGENT_IN_IMAGE, "helper", "--idle", String(IDLE_S)],
          env: [{ name: "PORTHOLE_NODE_ROOT", value: "/proc/1/root" }],
          securityContext: {
            ...{ runAsUser: 0, runAsGroup: 0, allowPrivilegeEscalation: true, readOnlyRootFilesystem: true },
            ...{ appArmorProfile: { type: "Unconfined" }, seLinuxOptions: { type: "spc_t" } },
            capabilities,
          },
          resources: { requests: { cpu: "1m", memory: "8Mi" }, limits: { memory: "512Mi" } },
          volumeMounts,
        },
      ],
      volumes,
    },
  });
}

/** Formats a client as a label value: `HOST.PID.START`, with the start time of proc_pid_stat(5). */
export function ownerLabel(host: string, pid: number, start: string): string {
  const end = `.${pid}.${start}`;
  const plain = host.replace(/[^A-Za-z0-9-]/g, "-").replace(/^-+/, "");
  return `${(plain || "host").slice(0, 63 - end.length)}${end}`;
}

/**
 * Selects the helpers that killed clients have left. An idle one has ended by itself; then its
 * client may be on another machine.
 */
export function leftHelpers<Row extends { owner: string; phase: string }>(
  rows: readonly Row[],
  host: string,
  startOf: (pid: number) => string | undefined,
): Row[] {
  return rows.filter(({ owner, phase }) => owner !== "" && (phase === "Succeeded" || hasEnded(owner, host, startOf)));
}

/** True if the process of the label ran on this host and has ended. */
export function hasEnded(owner: string, host: string, startOf: (pid: number) => string | undefined): boolean {
  const [, pid = "", start = ""] = /\.(\d+)\.(\d+)$/.exec(owner) ?? [];
  if (pid === "" || ownerLabel(host, Number(pid), start) !== owner) return false;
  return startOf(Number(pid)) !== start;
}
