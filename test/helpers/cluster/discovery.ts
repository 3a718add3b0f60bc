/** Returns a kubeconfig for the API server at a port of this machine. */
export function kubeconfig(port: number): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "test", user: {} }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: "shop" } }],
  };
}

const resource = (name: string, kind: string, namespaced = true, shortNames: string[] = []) => ({
  ...{ name, kind, namespaced, singularName: "", shortNames },
  verbs: ["create", "delete", "get", "list", "patch", "watch"],
});

const groups = {
  apps: [resource("daemonsets", "DaemonSet"), resource("deployments", "Deployment", true, ["deploy"])],
  "rbac.authorization.k8s.io": [resource("roles", "Role")],
};

/** Responses to the requests with which kubectl discovers the resources, by path. */
export const DISCOVERY: Readonly<Record<string, object>> = {
  "/version": { major: "1", minor: "32", gitVersion: "v1.32.0" },
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/api/v1": {
    kind: "APIResourceList",
    groupVersion: "v1",
    resources: [
      resource("pods", "Pod"),
      resource("services", "Service", true, ["svc"]),
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
