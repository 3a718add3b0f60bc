import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { httpGet, httpLines, httpSubscribe, parseHttpResponse } from "../../src/engines/api/http.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { descriptorCount } from "../helpers/processes.ts";

const answer = (head: string, body = "") => Buffer.from(`${head}\r\n\r\n${body}`, "latin1");

describe("an HTTP answer", () => {
  test("is parsed into its status, its headers by lower-case name, and its exact body", () => {
    const body = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), fc.constantFrom("0", "1"), body, (status, minor, bytes) => {
        const head = `HTTP/1.${minor} ${status} Whatever\r\nContent-Length: ${bytes.length}\r\nLibpod-Api-Version:  4.3.1 `;
        const parsed = parseHttpResponse(Buffer.concat([answer(head), bytes]));
        expect({ ...parsed, body: Uint8Array.from(parsed.body) }).toEqual({
          status,
          headers: new Map([
            ["content-length", String(bytes.length)],
            ["libpod-api-version", "4.3.1"],
          ]),
          body: bytes,
        });
      }),
    );
  });

  test("without a length ends with the connection, and may have no reason and no headers", () => {
    expect(parseHttpResponse(answer("HTTP/1.0 204"))).toMatchObject({
      status: 204,
      headers: new Map(),
      body: Buffer.of(),
    });
    expect(parseHttpResponse(answer("HTTP/1.0 200 OK", "\r\n\r\nrest")).body.toString()).toBe("\r\n\r\nrest");
    expect(parseHttpResponse(answer("HTTP/1.0 200 OK\r\nX: a:b")).headers.get("x")).toBe("a:b");
  });

  test("to HEAD states the length of the body of GET, and has no body", () => {
    const head = answer("HTTP/1.0 404 Not Found\r\nContent-Length: 40\r\nX: y");
    const { status, headers, body } = parseHttpResponse(head, { isHead: true });
    expect([status, headers.get("x"), body.length]).toEqual([404, "y", 0]);
    expect(() => parseHttpResponse(head)).toThrow("truncated HTTP response: 0 of 40 bytes");
  });

  test("that is truncated at any byte is refused", () => {
    const whole = answer("HTTP/1.0 200 OK\r\nContent-Length: 4", "body");
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseHttpResponse(whole.subarray(0, length))).toThrow(/without a response|not HTTP|truncated/);
    }
  });

  test.each([
    [
      "longer than it says",
      answer("HTTP/1.1 200 OK\r\nContent-Length: 1", "ab"),
      "truncated HTTP response: 2 of 1 bytes",
    ],
    [
      "with a length that is no number",
      answer("HTTP/1.1 200 OK\r\nContent-Length: x", "ab"),
      "truncated HTTP response: 2 of x bytes",
    ],
    ["in chunks, which were not asked for", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"), "truncated"],
    ["of another protocol", answer("SSH-2.0-OpenSSH_9.2"), "not HTTP"],
    ["of another HTTP", answer("HTTP/2 200"), "not HTTP"],
    ["with a status that is none", answer("HTTP/1.1 2000 OK"), "not HTTP"],
    ["of nothing", Buffer.of(), "without a response"],
  ])("%s is refused", (_, bytes, complaint) => {
    expect(() => parseHttpResponse(bytes)).toThrow(expect.objectContaining({ code: "TARGET" }));
    expect(() => parseHttpResponse(bytes)).toThrow(complaint);
  });
});

/** Starts a server on a Unix socket that calls a function with each connection. */
async function server(serve: (client: Socket) => void): Promise<string> {
  const path = `${temporaryDirectory()}/engine.sock`;
  const clients: Socket[] = [];
  const listening = createServer((client) => {
    clients.push(client);
    client.on("error", () => undefined);
    serve(client);
  });
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  onTestFinished(() => {
    for (const client of clients) client.destroy();
    listening.close();
  });
  return path;
}

describe("a request over a Unix socket", () => {
  test("is one HTTP/1.0 GET, and its answer is complete for any chunks", async () => {
    let asked = "";
    const body = "x".repeat(300_000);
    const path = await server((client) =>
      client.on("data", (bytes) => {
        asked += bytes.toString();
        client.write(`HTTP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
        client.end(body);
      }),
    );
    const { status, body: received } = await httpGet(path, "/containers/web/json", { timeoutMs: 20_000 });
    expect([status, received.toString() === body]).toEqual([200, true]);
    expect(asked).toMatch(/^GET \/containers\/web\/json HTTP\/1\.0\r\nHost: localhost\r\n(.*\r\n)*\r\n$/);
  });

  test("ends at its timeout or its signal, and closes its descriptors", async () => {
    const path = await server(() => undefined);
    await expect(httpGet(path, "/", { timeoutMs: 20 })).rejects.toMatchObject({ errno: "ETIMEDOUT" });
    const before = descriptorCount();
    await expect(httpGet(path, "/", { timeoutMs: 20 })).rejects.toMatchObject({ code: "CANCELLED" });
    const controller = new AbortController();
    const asked = httpGet(path, "/", { timeoutMs: 20_000, signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: "CANCELLED", errno: "ECANCELED" });
    // The server is also in this process: its descriptors close later by themselves.
    expect(descriptorCount() - before).toBeLessThanOrEqual(2);
  });

  test("fails at its timeout even if the server has sent a part", async () => {
    const path = await server((client) => client.write("HTTP/1.0 200 OK\r\n"));
    await expect(httpGet(path, "/", { timeoutMs: 30 })).rejects.toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("fails at its timeout if the server sends one byte at a time", async () => {
    const path = await server((client) => {
      const timer = setInterval(() => client.write("x"), 10);
      client.on("close", () => clearInterval(timer));
    });
    await expect(httpGet(path, "/", { timeoutMs: 60 })).rejects.toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("refuses an endless answer and endless headers", async () => {
    const endless = (start: string) =>
      server((client) => {
        const more = () => {
          while (!client.destroyed && client.write("x".repeat(65_536)));
        };
        client.on("drain", more).write(start);
        more();
      });
    const ask = (path: string) => httpGet(path, "/", { timeoutMs: 60_000 });
    await expect(ask(await endless("HTTP/1.0 200 OK\r\n\r\n"))).rejects.toMatchObject({
      ...{ code: "TARGET", message: "response larger than 33554432 bytes" },
    });
    const lines = (path: string) => httpLines(path, "/", { timeoutMs: 60_000, signal: new AbortController().signal });
    await expect(lines(await endless("HTTP/1.0 200 OK\r\n")).next()).rejects.toMatchObject({
      ...{ code: "TARGET", message: "response headers larger than 65536 bytes" },
    });
    const body = lines(await endless("HTTP/1.0 200 OK\r\n\r\n{"));
    expect(await body.next()).toEqual({ done: false, value: [] });
    await expect(body.next()).rejects.toMatchObject({ message: "response larger than 1048576 bytes" });
  });

  test("with an answer that arrives byte by byte needs no more memory than the bytes", async () => {
    const size = 3_000;
    const before = process.memoryUsage().arrayBuffers;
    const path = await server((client) => {
      client.setNoDelay();
      client.write("HTTP/1.0 200 OK\r\n\r\n");
      const next = (left: number) => {
        if (left === 0) client.end();
        else client.write("x", () => setImmediate(next, left - 1));
      };
      next(size);
    });
    const { body } = await httpGet(path, "/", { timeoutMs: 60_000 });
    const used = process.memoryUsage().arrayBuffers - before;
    expect(body.length).toBe(size);
    expect(used).toBeLessThan(10_000_000);
  });

  test("for lines has a timeout only for the beginning of the answer", async () => {
    const signal = new AbortController().signal;
    const silent = await server((client) => client.write("HTTP/1.0 200 OK\r\n"));
    await expect(httpLines(silent, "/", { timeoutMs: 30, signal }).next()).rejects.toMatchObject({
      errno: "ETIMEDOUT",
    });
    let goOn = () => {};
    const slow = await server((client) => {
      client.write('HTTP/1.0 200 OK\r\n\r\n{"a":1}\n{"b"');
      goOn = () => client.end(":2}\n\n{");
    });
    const told: string[][] = [];
    const timeoutMs = 3000;
    const began = performance.now();
    for await (const lines of httpLines(slow, "/", { timeoutMs, signal })) {
      told.push(lines);
      if (told.length === 2) setTimeout(goOn, Math.max(0, began + timeoutMs + 100 - performance.now()));
    }
    expect(told).toEqual([[], ['{"a":1}'], ['{"b":2}']]);
    const refusing = await server((client) => client.end("HTTP/1.0 403 No\r\n\r\n"));
    await expect(httpLines(refusing, "/", { timeoutMs: 60_000, signal }).next()).rejects.toMatchObject({
      ...{ code: "TARGET", message: "HTTP status 403 for GET /" },
    });
  });

  test.each([
    ["is silent", "", "no response within 0.05 s"],
    ["stops in the middle", "HTTP/1.0 200 OK\r\nContent-Le", "no complete response within 0.05 s"],
  ])("reports how long it has waited for a server that %s", async (_, sent, message) => {
    const path = await server((client) => client.write(sent));
    const late = { code: "CANCELLED", errno: "ETIMEDOUT", message };
    const options = { timeoutMs: 50, signal: new AbortController().signal };
    await expect(httpGet(path, "/", options)).rejects.toMatchObject(late);
    await expect(httpSubscribe(path, "/", options)).rejects.toMatchObject(late);
    await expect(httpLines(path, "/", options).next()).rejects.toMatchObject(late);
  });

  test("reports why the connection failed", async () => {
    const directory = temporaryDirectory();
    const ask = (path: string) => httpGet(path, "/", { timeoutMs: 1000 });
    await expect(ask(`${directory}/none.sock`)).rejects.toMatchObject({ errno: "ENOENT" });
    await expect(ask(`${directory}/no/none.sock`)).rejects.toMatchObject({ errno: "ENOENT" });
    writeFileSync(`${directory}/file`, "");
    await expect(ask(`${directory}/file/x`)).rejects.toMatchObject({ errno: "ENOTDIR" });
    await expect(ask(`${directory}/file`)).rejects.toMatchObject({ errno: "ECONNREFUSED" });
  });
});
