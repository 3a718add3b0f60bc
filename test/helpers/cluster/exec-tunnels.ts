import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { Node } from "../cri.ts";
import { type ApiServer, failure } from "./api-server.ts";
import type { ClusterPods } from "./pods.ts";

/** Maximum length of a URL, as in some proxies before an API server. */
const MAX_URL = 8192;

const EXEC = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/exec$/;

/** Connections of kubectl exec, which lead to the address that the node's CRI returns. */
export class ExecTunnels {
  readonly #api: ApiServer;
  readonly #pods: ClusterPods;
  readonly #nodes: Readonly<Record<string, Node>>;
  readonly #open = new Map<string, Set<Duplex>>();
  readonly #lost = new Set<string>();

  constructor(api: ApiServer, pods: ClusterPods, nodes: Readonly<Record<string, Node>>) {
    this.#api = api;
    this.#pods = pods;
    this.#nodes = nodes;
    for (const name of Object.keys(nodes)) this.#open.set(name, new Set());
  }

  /** Ends all connections to a node, and refuses more until {@link restore}. */
  lose(node: string): void {
    this.#lost.add(node);
    for (const socket of this.#open.get(node) ?? []) socket.destroy();
  }

  restore(node: string): void {
    this.#lost.delete(node);
  }

  /** Ends all connections. */
  close(): void {
    for (const sockets of this.#open.values()) for (const socket of sockets) socket.destroy();
  }

  /** Handles a request for an exec. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "", "http://cluster");
    this.#api.requests.push(`${request.method} ${url.pathname}`);
    if ((request.url ?? "").length > MAX_URL)
      return refuse(socket, "414 URI Too Long", failure(414, "", "the URL is too long"));
    const [, namespace, name] = EXEC.exec(url.pathname) ?? [];
    if (this.#api.forbidden?.test(`${request.method} ${url.pathname}`)) {
      const message = `pods "${name}" is forbidden: User "someone" cannot create resource "pods/exec"`;
      return refuse(socket, "403 Forbidden", failure(403, "Forbidden", message));
    }
    const stored = this.#pods.get(namespace, name);
    const nodeName = stored?.object.spec.nodeName ?? "";
    const node = this.#nodes[nodeName];
    if (stored === undefined || node === undefined || this.#lost.has(nodeName)) {
      const message = `error dialing backend: no route to ${nodeName}`;
      return refuse(socket, "500 Internal Server Error", failure(500, "InternalError", message));
    }
    const wanted = url.searchParams.get("container") ?? stored.object.spec.containers[0]?.name ?? "";
    try {
      const address = await execAddress(node, stored.containers.get(wanted)?.id ?? "", url);
      this.#connect(nodeName, address, { request, socket, head });
    } catch (error) {
      refuse(socket, "500 Internal Server Error", failure(500, "InternalError", (error as Error).message));
    }
  }

  #connect(
    nodeName: string,
    address: URL,
    { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Buffer },
  ): void {
    const upstream = connect(Number(address.port), address.hostname);
    const open = this.#open.get(nodeName);
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
  }
}

/** Returns the address for an exec in a container, from the Exec call of the CRI. */
async function execAddress(node: Node, id: string, { searchParams }: URL): Promise<URL> {
  const flag = (key: string) => ["true", "1"].includes(searchParams.get(key) ?? "");
  const exec = await node.call("Exec", [
    [1, id],
    ...searchParams.getAll("command").map((word) => [2, word] as const),
    [3, flag("tty")],
    [4, flag("stdin")],
    [5, flag("stdout")],
    [6, flag("stderr")],
  ]);
  return new URL(exec.text(1));
}

function refuse(socket: Duplex, status: string, object: object): void {
  const body = JSON.stringify(object);
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}
