import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { inject, onTestFinished } from "vitest";
import { type Engine, uniqueName } from "./engine.ts";

/** A proxy for an engine's socket that records the requests. */
export interface EngineProxy {
  /** Value of DOCKER_HOST for this proxy. */
  host: string;
  /** Request lines so far, such as `GET /containers/web/json`. */
  requests: string[];
  /** Returns the request lines of open connections. */
  ongoing(): string[];
}

const FORBIDDEN = [
  ...["HTTP/1.0 403 Forbidden", "Cache-Control: no-cache", "Connection: close", "Content-Type: text/html", ""],
  "<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n",
].join("\r\n");

/**
 * Starts a proxy for `engine` that every user may connect to; closed after the test.
 * @param unanswered request lines that get no response
 * @param denied request lines that the proxy denies itself, with the page of HAProxy
 */
export async function engineProxy(engine: Engine, unanswered?: RegExp, denied?: RegExp): Promise<EngineProxy> {
  const path = `${inject("machine").directory}/${uniqueName("proxy")}.sock`;
  const requests: string[] = [];
  const open = new Set<Socket>();
  const ongoing = new Map<Socket, string>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: engine.socket, allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
    }
    client.on("data", (bytes) => {
      for (const [, line = ""] of bytes.toString("latin1").matchAll(/^((?:GET|HEAD|POST|PUT|DELETE) \S+) HTTP\/1/gm)) {
        requests.push(line);
        ongoing.set(client, line);
        if (unanswered?.test(line)) upstream.unpipe(client);
        if (denied?.test(line)) {
          client.unpipe(upstream);
          upstream.destroy();
          client.end(FORBIDDEN);
        }
      }
    });
    client.on("close", () => ongoing.delete(client));
    client.pipe(upstream).pipe(client);
    client.on("error", () => upstream.destroy());
    upstream.on("error", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen({ path, writableAll: true, readableAll: true }, resolve));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(path, { force: true });
  });
  return { host: `unix://${path}`, requests, ongoing: () => [...ongoing.values()] };
}
