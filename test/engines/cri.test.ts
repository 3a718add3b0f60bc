import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { createServer as createSocketServer } from "node:net";
import { dirname } from "node:path";
import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import { criEngines } from "../../src/engines/api/cri-sockets.ts";
import { matchingPods, type PodContainer } from "../../src/engines/containers/pod-container.ts";
import { chooseContainer } from "../../src/engines/cri/choose-container.ts";
import { GrpcConnection } from "../../src/engines/cri/grpc.ts";
import { LogCutter } from "../../src/engines/cri/log-format.ts";
import { encodeMessage, ProtobufMessage } from "../../src/engines/cri/protobuf.ts";
import { PortholeError } from "../../src/errors.ts";
import { compileGlob } from "../../src/files/index.ts";

describe("a protobuf message", () => {
  test("is decoded as it was encoded", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.boolean(), (text, number, flag) => {
        const message = new ProtobufMessage(
          encodeMessage([
            [1, text],
            [2, number],
            [3, flag],
            [19, [[1, text]]],
          ]),
        );
        expect(message.text(1)).toBe(text);
        expect(message.whole(2)).toBe(BigInt(number));
        expect(message.whole(3)).toBe(flag ? 1n : 0n);
        expect(message.message(19).text(1)).toBe(text);
      }),
    );
  });

  test("of random bytes is decoded, or refused with the error for an invalid message", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 20 }), (bytes, field) => {
        try {
          const message = new ProtobufMessage(Buffer.from(bytes));
          for (const read of [() => message.text(field), () => message.whole(field), () => message.map(field)]) read();
        } catch (error) {
          expect(error).toBeInstanceOf(PortholeError);
        }
      }),
    );
  });

  test("keeps negative and large numbers exact", () => {
    // Encodes -1 and 2^63 - 1.
    const minusOne = Buffer.from([8, ...Array.from({ length: 9 }, () => 255), 1]);
    expect(new ProtobufMessage(minusOne).whole(1)).toBe(-1n);
    const largest = Buffer.from([8, ...Array.from({ length: 8 }, () => 255), 127]);
    expect(new ProtobufMessage(largest).whole(1)).toBe(2n ** 63n - 1n);
  });
});

describe("a gRPC call", () => {
  const answered = async (answer: (stream: ServerHttp2Stream) => void): Promise<unknown> => {
    const path = `${mkdtempSync(`${inject("machine").directory}/grpc-`)}/s`;
    const server = createServer().on("stream", answer);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      using connection = new GrpcConnection(path);
      const message = await connection.call("/a/b", []);
      return message.text(1);
    } catch (error) {
      return (error as Error).message;
    } finally {
      server.close();
    }
  };
  const frame = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]);
  const respond =
    (status: string, body: Buffer, message = "") =>
    (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status, "grpc-message": message }));
      stream.end(body);
    };

  test("returns the message, or the status and the server's text", async () => {
    expect(await answered(respond("0", frame(encodeMessage([[1, "text"]]))))).toBe("text");
    expect(await answered(respond("5", Buffer.alloc(0), "not%20found"))).toBe("not found");
    expect(
      await answered((stream) =>
        stream.respond({ "grpc-status": "12", "grpc-message": "unknown" }, { endStream: true }),
      ),
    ).toBe("unknown");
  });

  test("refuses a response that is not a message", async () => {
    expect(await answered(respond("0", Buffer.from("short")))).toContain("not one gRPC message");
    expect(await answered(respond("0", frame(Buffer.from([255]))))).toContain("not a protobuf message");
    expect(await answered((stream) => stream.close())).toContain("closed without an answer");
  });

  test("fails on a server that does not speak HTTP/2", async () => {
    const path = `${mkdtempSync(`${inject("machine").directory}/grpc-`)}/s`;
    const server = createSocketServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    using connection = new GrpcConnection(path);
    await expect(connection.call("/a/b", [])).rejects.toThrow();
    server.close();
  });
});

describe("the runtimes of a node", () => {
  test("are found at the node's root directory that a helper pod has, each once", () => {
    const root = mkdtempSync(`${inject("machine").directory}/node-`);
    const sockets = ["/run/cri-dockerd.sock", "/var/snap/microk8s/common/run/containerd.sock"].map(
      (path) => root + path,
    );
    for (const path of sockets) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "");
    }
    const found = criEngines(undefined, { PORTHOLE_NODE_ROOT: root }).map(({ socketPath }) => socketPath);
    expect(found).toEqual(expect.arrayContaining(sockets));
    expect(criEngines(undefined, {}).map(({ socketPath }) => socketPath)).not.toContain(sockets[0]);
  });
});

describe("a log file of the CRI", () => {
  const records = (text: string, path: "@logs" | "@stdout" | "@stderr" = "@logs") => {
    const cutter = new LogCutter(path);
    return [...cutter.push(Buffer.from(text)), ...cutter.end()].map(({ stream, time, bytes }) => [
      stream,
      time,
      String(bytes),
    ]);
  };
  const at = 1_700_000_000_123_456_789n;

  test("has whole lines and parts of lines, with the time of any zone", () => {
    expect(records("2023-11-14T22:13:20.123456789Z stdout F a line\n")).toEqual([["stdout", at, "a line\n"]]);
    expect(records("2023-11-15T00:13:20.123456789+02:00 stderr P begin\n")).toEqual([["stderr", at, "begin"]]);
    expect(records("2023-11-14T22:13:20.123456789Z stdout F\n")).toEqual([["stdout", at, "\n"]]);
    expect(records("2023-11-14T22:13:20.123456789Z stdout F \n")).toEqual([["stdout", at, "\n"]]);
    expect(records("2023-11-14T22:13:20.123456789Z stdout F:more  two blanks\n")).toEqual([
      ["stdout", at, " two blanks\n"],
    ]);
    expect(records("2023-11-14T22:13:20Z stdout F x\n")).toEqual([["stdout", 1_700_000_000_000_000_000n, "x\n"]]);
  });

  test("is passed on unchanged if it has another format, or an unfinished last line", () => {
    expect(records("no record\n")).toEqual([["stdout", undefined, "no record\n"]]);
    expect(records("2023-11-14T22:13:20.123456789Z stdout F unfinished")).toEqual([["stdout", at, "unfinished"]]);
  });

  test("gives the same records for any chunks", () => {
    const text = Buffer.from(
      "2023-11-14T22:13:20.123456789Z stdout P ä\n2023-11-14T22:13:20.123456789Z stderr F b\n2023-11-14T22:13:21Z stdout F c\n",
    );
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const cutter = new LogCutter("@stdout");
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        const found = ends.flatMap((end, index) => cutter.push(text.subarray(ends[index - 1] ?? 0, end)));
        expect(found.map(({ bytes }) => String(bytes))).toEqual(["ä", "c\n"]);
      }),
    );
  });
});

describe("a pod's name", () => {
  const one = (namespace: string, pod: string, name: string, more: Partial<PodContainer> = {}): PodContainer => ({
    ...{
      id: `${namespace}-${pod}-${name}`,
      namespace,
      pod,
      name,
      attempt: 0,
      state: "running",
      createdAt: 1n,
      image: "",
    },
    ...{ labels: new Map(), defaultContainer: "", ...more },
  });

  test("selects no ephemeral container of kubectl porthole or kubectl debug, unless it is named", () => {
    const names = ["app", "porthole-general-0a1b2c", "debugger-x7k2p"];
    const pods = names.map((name) => ({ pod: one("a", "web", name) }));
    const selected = (container: string | undefined) =>
      matchingPods(
        pods,
        { project: "a", name: "web", labels: [], pods: { container } },
        (glob) => (text) => glob === text || glob === "*",
      );
    expect(selected(undefined)).toEqual(["pod:a/web/app"]);
    expect(selected("debugger-x7k2p")).toEqual(["pod:a/web/debugger-x7k2p"]);
  });

  test("selects the newest container of its name", () => {
    const old = one("a", "web", "app", { id: "old", state: "exited" });
    const now = one("a", "web", "app", { id: "now", state: "exited", createdAt: 2n, attempt: 1 });
    expect(chooseContainer("web", [now, old])?.id).toBe("now");
    expect(chooseContainer("a/web/app", [old, now])?.id).toBe("now");
    expect(chooseContainer("b/web/app", [old, now])).toBeUndefined();
  });

  test("of two parts is a namespace and a pod, or a pod and a container, and an error if both exist", () => {
    const [pod, container] = [one("a", "b", "app"), one("x", "a", "b")];
    expect(chooseContainer("a/b", [pod])?.id).toBe(pod.id);
    expect(chooseContainer("a/b", [container])?.id).toBe(container.id);
    expect(() => chooseContainer("a/b", [pod, container])).toThrow("there are the pods a/b and x/a");
  });

  test("selects a running container before an init container that has ended", () => {
    const containers = [one("a", "web", "init", { state: "exited" }), one("a", "web", "app")];
    expect(chooseContainer("web", containers)?.name).toBe("app");
    expect(chooseContainer("web/init", containers)?.name).toBe("init");
  });

  test("matches a selector with all of its labels, and a pattern in all of its parts", () => {
    const labelled = one("a", "web-1", "app", {
      labels: new Map([
        ["app", "web"],
        ["tier", "front"],
      ]),
    });
    const containers = [labelled, one("b", "web-2", "app"), one("a", "web-1", "side", { state: "exited" })];
    const matches = (selection: Partial<Parameters<typeof matchingPods>[1]>) =>
      matchingPods(
        containers.map((pod) => ({ pod })),
        { project: undefined, name: "*", labels: [], ...selection },
        compileGlob,
      );
    expect(
      matches({
        labels: [
          { key: "app", value: "web" },
          { key: "tier", value: undefined },
        ],
      }),
    ).toEqual(["pod:a/web-1/app"]);
    expect(matches({ labels: [{ key: "app", value: "other" }] })).toEqual([]);
    expect(matches({ name: "web-*" })).toEqual(["pod:a/web-1/app", "pod:b/web-2/app"]);
    expect(matches({ project: "a", pods: { container: "*" } })).toEqual(["pod:a/web-1/app", "pod:a/web-1/side"]);
  });
});
