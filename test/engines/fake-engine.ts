import { createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { Engine } from "../../src/engines/api/engine.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";

/**
 * A response that real engines do not send on demand. `stays`: the connection stays open after the
 * response. `endless`: an endless body, as fast as it is read. `dripping`: an endless body that
 * arrives slowly. `hang-up`: no response.
 */
export type FakeAnswer =
  | { status: number; headers?: Record<string, string>; body: unknown; raw?: string; stays?: boolean }
  | "silence"
  | "endless"
  | "dripping"
  | "hang-up";

/**
 * Starts an engine on a Unix socket with a given response for each path. A method other than GET
 * precedes its path. The engine runs until the end of the test. test/docker tests the responses of
 * real engines.
 */
export async function fakeEngine(answer: (path: string) => FakeAnswer): Promise<Engine> {
  const socketPath = `${temporaryDirectory()}/engine.sock`;
  const clients: Socket[] = [];
  const server = createServer((client) => {
    clients.push(client);
    client.on("error", () => undefined);
    client.once("data", (request): unknown => {
      const [, method, place = ""] = /^([A-Z]+) (\S+) /.exec(request.toString("latin1")) ?? [];
      const path = method === "GET" ? place : `${method} ${place}`;
      const given = answer(path);
      if (given === "silence") return undefined;
      if (given === "endless") return pour(client);
      if (given === "dripping") return drip(client);
      if (given === "hang-up") return client.end();
      const body = given.raw ?? (given.body === undefined ? "" : JSON.stringify(given.body));
      const length = given.stays ? {} : { "Content-Length": Buffer.byteLength(body) };
      const headers = Object.entries({ ...length, ...given.headers });
      const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const text = `HTTP/1.0 ${given.status} Told\r\n${head}\r\n${body}`;
      if (given.stays) client.write(text);
      else client.end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  onTestFinished(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  return { socketPath, source: "test", name: "test" };
}

function pour(client: Socket): void {
  const block = Buffer.alloc(65_536, " ");
  client.write("HTTP/1.0 200 Told\r\n\r\n");
  const more = () => {
    while (!client.destroyed && client.write(block));
  };
  client.on("drain", more);
  more();
}

function drip(client: Socket): void {
  client.write("HTTP/1.0 200 Told\r\n\r\n");
  const timer = setInterval(() => client.write(" "), 10);
  client.on("close", () => clearInterval(timer));
}
