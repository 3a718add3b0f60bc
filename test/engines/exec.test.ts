import { createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Engine } from "../../src/engines/api/engine.ts";
import { createExec, pidOfExec, startExec } from "../../src/engines/api/exec.ts";
import { messageOf } from "../../src/errors.ts";
import { streamsOver } from "../../src/routes/rendezvous/accept-over-stream.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { fakeEngine } from "./fake-engine.ts";

const ID = "0123456789abcdef".repeat(4);
const patience = () => AbortSignal.timeout(120_000);
const program = {
  Cmd: ["/agent"],
  User: "0",
  Privileged: false,
  ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
};

/** Starts an engine that calls `answer` once a request is complete, and keeps the connection. */
async function patientEngine(answer: (client: Socket, request: string) => void): Promise<Engine> {
  const socketPath = `${temporaryDirectory()}/engine.sock`;
  const clients = new Set<Socket>();
  // As Go's server, it ends a connection when the client has ended its side.
  const server = createServer((client) => {
    clients.add(client);
    client.on("error", () => undefined);
    client.once("data", (request) => answer(client, request.toString("latin1")));
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  onTestFinished(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  return { socketPath, source: "test", name: "test" };
}

test("an exec is created with the program as JSON, and its id is returned", async () => {
  let sent = "";
  const engine = await patientEngine((client, request) => {
    sent = request;
    client.end(`HTTP/1.0 201 Created\r\n\r\n{"Id":"${ID}"}`);
  });
  expect(await createExec(engine, "web", program, patience())).toBe(ID);
  const [head = "", body = ""] = sent.split("\r\n\r\n");
  expect(head).toMatch(/^POST \/containers\/web\/exec HTTP\/1\.0\r\n/);
  expect(head).toContain("Content-Type: application/json");
  expect(head).toContain(`Content-Length: ${body.length}`);
  expect(JSON.parse(body)).toEqual(program);
});

test("an engine that refuses to create an exec is reported with its status and message", async () => {
  const engine = await fakeEngine(() => ({ status: 409, body: { message: "Container x is paused" } }));
  const refused = createExec(engine, ID, program, patience());
  await expect(refused).rejects.toMatchObject({ status: 409, message: "Container x is paused" });
});

test.each([
  ["is not JSON", { status: 201, body: undefined, raw: "<html>" }, "JSON"],
  ["has no id", { status: 201, body: {} }, "64 hexadecimal digits"],
  ["is cut off", { status: 201, body: { Id: ID }, headers: { "Content-Length": "900" } }, "truncated"],
  ["is nothing", "hang-up", "without a response"],
] as const)("an answer that %s is an error with a reason", async (_, answer, text) => {
  const engine = await fakeEngine(() => answer);
  const error = await createExec(engine, ID, program, patience()).catch((reason) => reason);
  expect(messageOf(error)).toContain(text);
});

test("an absent engine is reported with its address and a remedy", async () => {
  const engine = { socketPath: "/nonexistent/engine.sock", source: "test", name: "test" };
  await expect(createExec(engine, ID, program, patience())).rejects.toMatchObject({
    message: "cannot connect to the container engine at /nonexistent/engine.sock (test): no engine is listening there",
    hint: expect.stringContaining("start the engine"),
  });
});

test("a started exec passes bytes in both directions, those that came with the response first", async () => {
  const engine = await patientEngine((client, request) => {
    expect(request).toMatch(/\r\nUpgrade: tcp\r\n/);
    client.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly ");
    client.on("data", (more) => client.end(more));
  });
  const streams = streamsOver(await startExec(engine, ID, patience()));
  streams.write("late");
  let text = "";
  for await (const piece of streams.output) text += piece.toString();
  expect(text).toBe("early late");
});

test.each([
  ["by length", '{"message":"it is stopped"}', "Content-Length: 27"],
  ["in a chunk", '1b\r\n{"message":"it is stopped"}\r\n0\r\n\r\n', "Transfer-Encoding: chunked"],
])(
  "an engine that refuses to start an exec %s and keeps the connection is reported at once",
  async (_, body, header) => {
    const engine = await patientEngine((client) => client.write(`HTTP/1.1 409 Conflict\r\n${header}\r\n\r\n${body}`));
    await expect(startExec(engine, ID, patience())).rejects.toMatchObject({ status: 409, message: "it is stopped" });
  },
);

test("an engine that starts an exec without a stream is an error", async () => {
  const engine = await patientEngine((client) => client.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
  await expect(startExec(engine, ID, patience())).rejects.toThrow(`returns no stream for /exec/${ID}/start`);
});

test.each([
  ["create", (engine: Engine, signal: AbortSignal) => createExec(engine, ID, program, signal)],
  ["start", (engine: Engine, signal: AbortSignal) => startExec(engine, ID, signal)],
  ["inspect", (engine: Engine, signal: AbortSignal) => pidOfExec(engine, ID, signal)],
])("the signal ends the wait for an engine that is to %s an exec and is silent", async (_, request) => {
  const over = new AbortController();
  const engine = await patientEngine(() => over.abort(new Error("enough")));
  await expect(request(engine, over.signal)).rejects.toThrow("enough");
});

test("endless headers of a start are refused", async () => {
  const engine = await patientEngine((client) => client.write(`HTTP/1.1 101 UPGRADED\r\nX: ${"x".repeat(70_000)}`));
  await expect(startExec(engine, ID, patience())).rejects.toThrow("response headers larger than 65536 bytes");
});
