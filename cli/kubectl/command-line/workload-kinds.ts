/** Names of resources that select pods, as kubectl accepts them. */
const KINDS: ReadonlySet<string> = new Set([
  ...["deploy", "deployment", "deployments", "sts", "statefulset", "statefulsets", "ds", "daemonset", "daemonsets"],
  ...["rs", "replicaset", "replicasets", "job", "jobs", "svc", "service", "services"],
  ...["rc", "replicationcontroller", "replicationcontrollers"],
]);
const POD_KINDS: ReadonlySet<string> = new Set(["po", "pod", "pods"]);

/** True for `deploy` in `deploy/web`. */
export function isWorkloadKind(word: string): boolean {
  return KINDS.has(word);
}

/** True for `pod` in `pod/web-0`, which `kubectl get pods -o name` prints. */
export function isPodKind(word: string): boolean {
  return POD_KINDS.has(word);
}
