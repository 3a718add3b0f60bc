import type { IncomingMessage, ServerResponse } from "node:http";
import { uniqueName } from "../engine.ts";
import { textOf } from "../text-of.ts";
import { DISCOVERY } from "./discovery.ts";
import { type EphemeralSpec, type PodObject, podSecurity, type SecurityLevel } from "./objects.ts";
import type { ClusterPods, StoredPod } from "./pods.ts";

const EPHEMERAL = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/ephemeralcontainers$/;
const RESOURCE =
  /^(?:\/api\/v1|\/apis\/[^/]+\/v1)(?:\/namespaces\/([^/]+))?\/(pods|namespaces|daemonsets|roles|deployments|services)(?:\/([^/]+))?$/;

/** The part of a Kubernetes API server that kubectl and porthole use, without exec. */
export class ApiServer {
  /** The requests so far, as `VERB path`. */
  readonly requests: string[] = [];
  /** Levels of Pod Security, by namespace. */
  readonly levels = new Map<string, SecurityLevel | undefined>();
  /** Requests that get the answer 403, as `VERB path` or `VERB path?parameters`. */
  forbidden: RegExp | undefined;
  /** Deployments and services, by `NAMESPACE/RESOURCE/NAME`. */
  readonly workloads = new Map<string, object>();
  /** Message for pods that the quota refuses, by namespace. */
  readonly quotas = new Map<string, string>();
  readonly #pods: ClusterPods;
  readonly #nodes: readonly string[];

  constructor(pods: ClusterPods, nodes: readonly string[]) {
    this.#pods = pods;
    this.#nodes = nodes;
  }

  /** Answers a request. Reports an error of this stand-in to the client. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#answer(request, response).catch(({ message }: Error) => {
      new Reply(response).fail(500, "InternalError", message);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://cluster");
    const body = await text(request);
    this.requests.push(`${request.method} ${request.url}`);
    const reply = new Reply(response);
    if ([url.pathname, request.url].some((path) => this.forbidden?.test(`${request.method} ${path}`)))
      return reply.fail(403, "Forbidden", `pods is forbidden: User "someone" cannot do this in the namespace`);
    const discovered = DISCOVERY[url.pathname];
    if (discovered !== undefined) return reply.send(200, discovered);
    const [ephemeral, ...of] = EPHEMERAL.exec(url.pathname) ?? [];
    const debugged = this.#pods.get(of[0], of[1]);
    if (ephemeral !== undefined && request.method === "PATCH" && debugged !== undefined)
      return this.#patch(reply, debugged, body);
    const [resource, namespace, kind, name] = RESOURCE.exec(url.pathname) ?? [];
    if (resource === undefined || kind === undefined) return reply.fail(404, "NotFound", `no ${url.pathname} here`);
    if (request.method === "POST") return await this.#create(reply, kind, namespace, body);
    const workload = this.workloads.get(`${namespace}/${kind}/${name}`);
    if (workload !== undefined && request.method === "GET") return reply.send(200, workload);
    if (kind !== "pods") return reply.fail(404, "NotFound", `${kind} "${name}" not found`);
    if (request.method !== "DELETE") return this.#get(reply, url, namespace, name);
    await this.#pods.remove(namespace, name);
    reply.send(200, { kind: "Status", apiVersion: "v1", status: "Success" });
  }

  #get(reply: Reply, url: URL, namespace: string | undefined, name: string | undefined): void {
    const items = this.#pods.list(url, namespace, name);
    const [found] = items;
    if (name !== undefined && found === undefined) reply.fail(404, "NotFound", `pods "${name}" not found`);
    else if (name !== undefined) reply.send(200, found as object);
    else if (url.searchParams.get("watch") !== null) watch(reply.response, () => this.#pods.list(url, namespace));
    else reply.send(200, { kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items });
  }

  /** Adds ephemeral containers to a pod. */
  #patch(reply: Reply, pod: StoredPod, body: string): void {
    const { name, namespace } = pod.object.metadata;
    const { ephemeralContainers } = (JSON.parse(body) as { spec: { ephemeralContainers: EphemeralSpec[] } }).spec;
    const [violation] = ephemeralContainers.map((one) => podSecurity(this.levels.get(namespace), one));
    if (violation !== undefined) {
      reply.fail(403, "Forbidden", `pods "${name}" is forbidden: violates PodSecurity ${violation}`);
      return;
    }
    for (const added of ephemeralContainers) void this.#pods.addEphemeral(pod, added);
    reply.send(200, { apiVersion: "v1", kind: "Pod", ...pod.object });
  }

  async #create(reply: Reply, kind: string, namespace: string | undefined, body: string): Promise<void> {
    const object = JSON.parse(body) as PodObject & { kind: string };
    object.metadata.namespace ??= namespace ?? "default";
    object.metadata.uid = uniqueName("uid");
    if (kind === "pods") {
      const quota = this.quotas.get(namespace ?? "");
      if (quota !== undefined)
        return reply.fail(403, "Forbidden", `pods "${object.metadata.name}" is forbidden: ${quota}`);
      if (this.#pods.get(namespace, object.metadata.name)) return reply.fail(409, "AlreadyExists", "it exists");
      object.status = { phase: "Pending", conditions: [] };
      void this.#pods.start(object);
    }
    if (kind === "daemonsets") await this.#startOnNodes(object, namespace ?? "");
    reply.send(201, object);
  }

  async #startOnNodes(object: PodObject, namespace: string): Promise<void> {
    const { template } = object.spec as unknown as { template: Pick<PodObject, "metadata" | "spec"> };
    for (const node of this.#nodes)
      await this.#pods.start({
        metadata: { ...template.metadata, name: `porthole-${node}`, namespace, uid: uniqueName("uid") },
        spec: { ...template.spec, nodeName: node },
        status: { phase: "Pending", conditions: [] },
      });
  }
}

class Reply {
  readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
  }

  send(status: number, object: object): void {
    this.response.writeHead(status, { "content-type": "application/json" });
    this.response.end(JSON.stringify(object));
  }

  fail(code: number, reason: string, message: string): void {
    this.send(code, failure(code, reason, message));
  }
}

/** Describes a failure as the API server does. */
export function failure(code: number, reason: string, message: string): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code };
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

function text(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const all = textOf(request);
    request.on("end", () => resolve(all()));
  });
}
