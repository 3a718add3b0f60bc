import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { dockerRequest, jsonOf } from "../../src/engines/api/docker-client.ts";
import type { Engine } from "../../src/engines/api/engine.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";

/**
 * Starts an engine that sends the given bytes for every request, and closes the connection when
 * `told` returns.
 */
async function rawEngine(told: (client: Socket, request: string) => Promise<unknown> | unknown): Promise<Engine> {
  const socketPath = `${temporaryDirectory()}/engine.sock`;
  await listen(
    createServer((client) => {
      client.on("error", () => undefined);
      client.once("data", async (request) => {
        await told(client, request.toString("latin1"));
        client.end();
      });
    }),
    socketPath,
  );
  return { socketPath, source: "test", name: "test" };
}

function listen(server: Server, at: string): Promise<Server> {
  onTestFinished(() => {
    server.close();
  });
  return new Promise((resolve) => server.listen(at, () => resolve(server)));
}

/** Resolves when the connection can take more bytes, or has closed. */
const room = (client: Socket) => once(client, "drain", { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);

const HEAD = "HTTP/1.1 200 OK\r\n";
const patience = () => AbortSignal.timeout(120_000);
const list = (engine: Engine, signal = patience()) =>
  dockerRequest(engine, signal, (docker) => docker.listContainers());
const ID = "0123456789abcdef".repeat(4);

test("an error that dockerode reports is passed on with the request", async () => {
  const engine = await rawEngine((client) => client.write(`${HEAD}Content-Length: 12\r\n\r\n[{"Id":"x"}]`));
  const answer = await list(engine);
  expect(answer).toEqual({
    value: [{ Id: "x" }],
    request: { socketPath: engine.socketPath, method: "GET", path: "/containers/json" },
  });
});

test("an answer in a million pieces is aborted early", async () => {
  const pieces = `1\r\n \r\n`.repeat(10_000);
  const engine = await rawEngine(async (client) => {
    client.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    for (let round = 0; round < 100 && !client.destroyed; round++) if (!client.write(pieces)) await room(client);
    client.write("0\r\n\r\n");
  });
  await expect(list(engine)).rejects.toThrow("response in more than 65536 chunks");
});

test("endless interim answers are aborted", async () => {
  const engine = await rawEngine(async (client) => {
    const interim = `HTTP/1.1 103 Early Hints\r\nLink: ${"x".repeat(8_000)}\r\n\r\n`.repeat(8);
    while (!client.destroyed) if (!client.write(interim)) await room(client);
  });
  await expect(list(engine)).rejects.toThrow("response larger than 33554432 bytes");
});

test("endless headers are aborted", async () => {
  const engine = await rawEngine((client) => client.write(`${HEAD}X: ${"x".repeat(70_000)}`));
  await expect(list(engine)).rejects.toThrow("Header overflow");
});

test("a redirect is an error and is not followed", async () => {
  const engine = await rawEngine((client) =>
    client.write("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"),
  );
  const connecting = vi.spyOn(Socket.prototype, "connect");
  onTestFinished(() => connecting.mockRestore());
  await expect(list(engine)).rejects.toMatchObject({ status: 301, message: "HTTP status 301" });
  expect(connecting).toHaveBeenCalledTimes(1);
});

test("the signal aborts an answer that has begun, with its reason", async () => {
  const over = new AbortController();
  const engine = await rawEngine(async (client) => {
    client.write(`${HEAD}Content-Length: 10\r\n\r\n[`);
    setTimeout(() => over.abort(new Error("enough")), 20);
    await new Promise((resolve) => client.once("close", resolve));
  });
  await expect(list(engine, over.signal)).rejects.toThrow("enough");
  await expect(list(engine, over.signal)).rejects.toThrow("enough");
});

test("the engine's message is reported without dockerode's, and an unchanged state is not a failure", async () => {
  const engine = await rawEngine((client, request) => {
    const body = '{"message":"it is taken"}';
    client.write(
      request.includes("/start")
        ? "HTTP/1.1 304 Not Modified\r\n\r\n"
        : `HTTP/1.1 409 Conflict\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  const remove = dockerRequest(engine, patience(), (docker) => docker.getContainer(ID).remove());
  await expect(remove).rejects.toMatchObject({ status: 409, message: "it is taken" });
  await dockerRequest(engine, patience(), (docker) => docker.getContainer(ID).start());
});

test("the environment variables of docker are ignored", async () => {
  const engine = await rawEngine((client) => client.write(`${HEAD}Content-Length: 2\r\n\r\n[]`));
  vi.stubEnv("DOCKER_HOST", "tcp://192.0.2.1:2376");
  vi.stubEnv("DOCKER_CERT_PATH", "/nonexistent");
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(jsonOf(await list(engine)).list()).toEqual([]);
  expect(process.env.DOCKER_HOST).toBe("tcp://192.0.2.1:2376");
});

test("a finished operation removes its abort listener", async () => {
  const engine = await rawEngine((client) => client.write(`${HEAD}Content-Length: 2\r\n\r\n[]`));
  const { signal } = new AbortController();
  const heard = new Set<unknown>();
  vi.spyOn(signal, "addEventListener").mockImplementation((_, listener) => void heard.add(listener));
  vi.spyOn(signal, "removeEventListener").mockImplementation((_, listener) => void heard.delete(listener));
  await list(engine, signal);
  expect(signal.addEventListener).toHaveBeenCalled();
  expect([...heard]).toEqual([]);
});
