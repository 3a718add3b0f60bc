import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { drained } from "../../src/elsewhere/drained.ts";
import { EndFinder, runThere, type Streams } from "../../src/elsewhere/run-there.ts";
import { splitOutputs } from "../../src/elsewhere/split-outputs.ts";
import { PortholeError } from "../../src/errors.ts";

/** Returns the passed output and the detected end, if the bytes arrive in chunks of one size. */
async function found(bytes: string, size: number): Promise<{ passed: string; end: unknown }> {
  let passed = "";
  const finder = new EndFinder((piece) => {
    passed += piece.toString("latin1");
  });
  const all = Buffer.from(bytes, "latin1");
  for (let at = 0; at < all.length; at += size) await finder.take(all.subarray(at, at + size));
  return { passed, end: finder.found() };
}

describe.each([1, 2, 7, 1000])("the end of standard error in chunks of %i bytes", (size) => {
  test.each([
    ["\0porthole-end exit 0\n", "", { status: 0 }],
    ["said\n\0porthole-end exit 130\n", "said\n", { status: 130 }],
    ["\0porthole-end signal 15\n", "", { signal: 15 }],
    ["\0porthole-end exit 1\nmore\0porthole-end exit 2\n", "\0porthole-end exit 1\nmore", { status: 2 }],
    ["a\0b\0porthole-end exit 3\n", "a\0b", { status: 3 }],
  ])("of %j is found, and the rest passes", async (bytes, passed, end) => {
    expect(await found(bytes, size)).toEqual({ passed, end });
  });

  test.each(["", "cut off", "cut off\0porthole-end ex", "\0porthole-end exit 3"])(
    "of %j is missing: the connection was lost",
    async (bytes) => {
      expect((await found(bytes, size)).end).toBeUndefined();
    },
  );
});

test.each([1, 2, 7, 1000])(
  "heartbeats in chunks of %i bytes are removed from standard error and reported",
  async (size) => {
    let passed = "";
    let beats = 0;
    const finder = new EndFinder(
      (piece) => {
        passed += piece.toString("latin1");
      },
      () => {
        beats++;
      },
    );
    const all = Buffer.from(
      "\0porthole-alive\nsa\0porthole-alive\nid\0porthole-ali\n\0porthole-end exit 0\n",
      "latin1",
    );
    for (let at = 0; at < all.length; at += size) await finder.take(all.subarray(at, at + size));
    expect({ passed, end: finder.found() }).toEqual({ passed: "said\0porthole-ali\n", end: { status: 0 } });
    expect(beats).toBeGreaterThan(0);
  },
);

describe("a command whose connection stays open without heartbeats", () => {
  /** Runs a command in a place that never ends it. */
  function silent(write: Streams["write"], stderr: string) {
    vi.useFakeTimers();
    const outputs = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    const close = () => {
      for (const stream of Object.values(outputs)) stream.end();
    };
    const lost = (): PortholeError => new PortholeError("SESSION", "lost");
    const place = { name: "far", start: async () => ({ ...outputs, close, lost }) };
    const streams: Streams = {
      ...{ kinds: ["null", "pipe", "pipe"], input: undefined, write, size: () => ({ columns: 80, rows: 24 }) },
      ...{ listen: () => undefined, environment: {}, signal: new AbortController().signal },
    };
    outputs.stderr.write(stderr);
    outputs.stdout.write("text");
    let isLost = false;
    const ended = runThere(place, ["tail"], streams).catch((error: unknown) => {
      isLost = error instanceof PortholeError && error.code === "SESSION";
    });
    return { ended, isLost: () => isLost, outputs };
  }

  afterEach(() => void vi.useRealTimers());

  test("is lost", async () => {
    const { ended, isLost } = silent(() => undefined, "\0porthole-alive\n");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(isLost()).toBe(false);
    await vi.advanceTimersByTimeAsync(30_000);
    await ended;
    expect(isLost()).toBe(true);
  });

  test.each<[string, string, Streams["write"]]>([
    ["the agent there has never sent one", "", () => undefined],
    ["the reader of its output is slow", "\0porthole-alive\n", () => new Promise(() => undefined)],
  ])("is not lost while %s", async (_, stderr, write) => {
    const { isLost } = silent(write, stderr);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(isLost()).toBe(false);
  });

  test("is not lost while they arrive", async () => {
    const { isLost, outputs } = silent(() => undefined, "\0porthole-alive\n");
    for (let turn = 0; turn < 10; turn++) {
      await vi.advanceTimersByTimeAsync(30_000);
      outputs.stderr.write("\0porthole-alive\n");
    }
    expect(isLost()).toBe(false);
  });
});

test.each([1, 3, 8, 1000])("both outputs are separated if the stream arrives in chunks of %i bytes", async (size) => {
  const frame = (kind: number, content: string) =>
    Buffer.concat([Buffer.from([kind, 0, 0, 0, 0, 0, 0, content.length]), Buffer.from(content)]);
  const all = Buffer.concat([frame(1, "one"), frame(2, "error"), frame(1, ""), frame(1, "two")]);
  const [stream, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  splitOutputs(stream, stdout, stderr);
  for (let at = 0; at < all.length; at += size) stream.write(all.subarray(at, at + size));
  stream.end();
  expect(await Promise.all([text(stdout), text(stderr)])).toEqual(["onetwo", "error"]);
});

test("one piece with many frames resumes the stream once when a full output has drained", async () => {
  const frame = Buffer.from([1, 0, 0, 0, 0, 0, 0, 1, 120]);
  const [stream, stdout, stderr] = [new PassThrough(), new PassThrough({ highWaterMark: 10 }), new PassThrough()];
  splitOutputs(stream, stdout, stderr);
  stream.end(Buffer.concat(Array.from({ length: 100 }, () => frame)));
  await new Promise((resolve) => setImmediate(resolve));
  expect(stdout.listenerCount("drain")).toBe(1);
  expect(await text(stdout)).toBe("x".repeat(100));
});

test("the wait for a slow reader leaves no listener, and ends with the stream", async () => {
  const slow = new PassThrough();
  const listeners = () => slow.listenerCount("drain") + slow.listenerCount("close");
  const before = listeners();
  for (let turn = 0; turn < 3; turn++) {
    while (slow.write(Buffer.alloc(10_000)));
    const waiting = drained(slow);
    while (slow.read() !== null);
    await waiting;
  }
  expect(listeners()).toBe(before);
  while (slow.write(Buffer.alloc(10_000)));
  const waiting = drained(slow);
  slow.destroy();
  await waiting;
  await drained(slow);
});
