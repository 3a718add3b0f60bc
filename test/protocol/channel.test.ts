import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PortholeError } from "../../src/errors.ts";
import { Channel, type Closable } from "../../src/protocol/channel.ts";
import { decodeMessage, encodeMessage, type Message } from "../../src/protocol/codec.ts";
import { MAX_IN_FLIGHT, MAX_PACKET, Op, REPLY } from "../../src/protocol/messages.ts";

class Descriptor implements Closable {
  closed = 0;
  close(): void {
    this.closed++;
  }
}

class Refusal extends Error {
  readonly errno: number;
  readonly body: Uint8Array;
  constructor(errno: number, body: Uint8Array) {
    super(`refused with ${errno}`);
    this.errno = errno;
    this.body = body;
  }
}

const nothing = new Uint8Array(0);
const TIMEOUT = 1000;

/** Makes a channel over a transport that accepts `room` packets before it is full, or throws. */
function setUp() {
  const sent: Message[] = [];
  const reasons: PortholeError[] = [];
  const socket = { room: Number.POSITIVE_INFINITY, failure: undefined as Error | undefined };
  const packet = new Uint8Array(MAX_PACKET);
  const channel = new Channel<Descriptor>(
    {
      outgoing: packet,
      sendOutgoing(length) {
        if (socket.failure) throw socket.failure;
        if (socket.room-- <= 0) return false;
        sent.push(decodeMessage(packet.slice(0, length), 0));
        return true;
      },
      discard: (descriptor) => descriptor.close(),
    },
    () => channel.ended && reasons.push(channel.ended),
  );
  const ask = (op: Op = Op.stat, { maxFds = 0, timeoutMs = TIMEOUT, body = nothing } = {}) => {
    const settled = { state: "waiting" as "waiting" | "answered" | "failed", value: undefined as unknown };
    const reply = channel.request(op, body, maxFds, timeoutMs, (errno, answer) => new Refusal(errno, answer));
    reply.then(
      (value) => Object.assign(settled, { state: "answered", value }),
      (value: unknown) => Object.assign(settled, { state: "failed", value }),
    );
    return { reply, settled };
  };
  const answer = (id: number, op: Op = Op.stat, body = nothing, descriptors: Descriptor[] = [], error = 0) =>
    channel.packet(encodeMessage(op | REPLY, id, body, descriptors.length, error), descriptors);
  return { channel, sent, reasons, socket, ask, answer };
}

const ids = (messages: Message[]) => messages.map(({ id }) => id);
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("requests and replies", () => {
  test("are matched by their ids in any order of the answers; ids start at 1 and are never reused", async () => {
    const { sent, ask, answer } = setUp();
    const one = ask(Op.stat, { body: Uint8Array.of(1) });
    const two = ask(Op.open, { maxFds: 1, body: Uint8Array.of(2) });
    expect(sent).toMatchObject([
      { id: 1, type: Op.stat, error: 0, descriptors: 0 },
      { id: 2, type: Op.open, error: 0, descriptors: 0 },
    ]);
    expect(sent.map(({ body }) => [...body])).toEqual([[1], [2]]);
    const descriptor = new Descriptor();
    answer(2, Op.open, Uint8Array.of(22), [descriptor]);
    answer(1, Op.stat, Uint8Array.of(11));
    expect(await two.reply).toEqual({ id: 2, body: Buffer.of(22), descriptors: [descriptor] });
    expect(await one.reply).toEqual({ id: 1, body: Buffer.of(11), descriptors: [] });
    expect(descriptor.closed).toBe(0);
    ask();
    expect(ids(sent)).toEqual([1, 2, 3]);
  });

  test("are matched in thousands, in turn and out of order", async () => {
    const { channel, sent, ask, answer } = setUp();
    const asked = Array.from({ length: 2000 }, () => ask());
    const pending: number[] = [];
    for (let step = 0; channel.waiting > 0; step++) {
      pending.push(...ids(sent.splice(0)));
      const id = (step % 3 === 0 ? pending.pop() : pending.shift()) ?? 0;
      answer(id, Op.stat, Uint8Array.of(id & 0xff, id >> 8));
    }
    const ended = await Promise.all(asked.map(({ reply }) => reply));
    expect(ended.map(({ id, body }) => [id, (body[0] ?? 0) | ((body[1] ?? 0) << 8)])).toEqual(
      asked.map((_, at) => [at + 1, at + 1]),
    );
    expect(channel.ended).toBeUndefined();
  });

  test("give the caller its own copy of the body", async () => {
    const { channel, ask } = setUp();
    const { reply } = ask();
    const packet = Uint8Array.from(encodeMessage(Op.stat | REPLY, 1, Uint8Array.of(1, 2)));
    channel.packet(packet, []);
    packet.fill(9);
    expect((await reply).body).toEqual(Buffer.of(1, 2));
  });

  test("turn an errno into the caller's error, and the session continues", async () => {
    const { channel, ask, answer } = setUp();
    const { reply } = ask();
    answer(1, Op.stat, nothing, [], 13);
    await expect(reply).rejects.toEqual(new Refusal(13, nothing));
    expect(channel.ended).toBeUndefined();
    const next = ask();
    answer(2);
    await next.reply;
  });

  test("allow a body after an errno only in HELLO", async () => {
    const { channel, ask, answer } = setUp();
    const { reply } = ask(Op.hello);
    answer(1, Op.hello, Uint8Array.of(2, 0), [], 71);
    await expect(reply).rejects.toMatchObject({ errno: 71, body: Uint8Array.of(2, 0) });
    expect(channel.ended).toBeUndefined();
  });

  test("have at most 32 pending; the others wait in order", () => {
    const { channel, sent, ask, answer } = setUp();
    for (let n = 0; n < MAX_IN_FLIGHT + 3; n++) ask();
    expect(sent).toHaveLength(32);
    expect(channel.waiting).toBe(32);
    answer(5);
    expect(ids(sent).slice(32)).toEqual([33]);
    answer(1);
    answer(2);
    expect(ids(sent).slice(32)).toEqual([33, 34, 35]);
    answer(3);
    expect(sent).toHaveLength(35);
    expect(channel.waiting).toBe(31);
  });
});

describe("back-pressure", () => {
  test("delays requests on a full socket until it is writable, and sends each once and in order", () => {
    const { channel, sent, socket, ask } = setUp();
    socket.room = 1;
    for (let n = 0; n < 3; n++) ask();
    expect(ids(sent)).toEqual([1]);
    expect(channel.blocked).toBe(true);
    socket.room = 1;
    channel.writable();
    expect(ids(sent)).toEqual([1, 2]);
    expect(channel.blocked).toBe(true);
    socket.room = 9;
    channel.writable();
    expect(ids(sent)).toEqual([1, 2, 3]);
    expect(channel.blocked).toBe(false);
  });

  test("is reported again if the socket fills up after an answer", () => {
    const { channel, socket, ask, answer } = setUp();
    for (let n = 0; n < MAX_IN_FLIGHT + 1; n++) ask();
    expect(channel.blocked).toBe(false);
    socket.room = 0;
    answer(1);
    expect(channel.blocked).toBe(true);
  });

  test("is not reported by a channel that has ended", () => {
    const { channel, socket, ask } = setUp();
    socket.room = 0;
    ask();
    expect(channel.blocked).toBe(true);
    channel.end("over");
    expect(channel.blocked).toBe(false);
  });

  test("ends the session if the socket fails, with its error as the cause", async () => {
    const { channel, reasons, socket, ask } = setUp();
    const first = ask();
    socket.failure = new Error("EPIPE");
    const second = ask();
    await turn();
    expect(channel.ended).toMatchObject({
      code: "SESSION",
      message: "the agent ended the session",
      cause: socket.failure,
    });
    expect(reasons).toEqual([channel.ended]);
    expect([first.settled, second.settled]).toEqual([
      { state: "failed", value: channel.ended },
      { state: "failed", value: channel.ended },
    ]);
  });
});

describe("the end of a session", () => {
  test("fails pending and queued requests with the reason of the first end", async () => {
    const { channel, reasons, ask } = setUp();
    const all = Array.from({ length: MAX_IN_FLIGHT + 2 }, () => ask());
    const reason = channel.end("the first reason", { errno: "EIO", hint: "a hint" });
    expect(reason).toMatchObject({ code: "SESSION", message: "the first reason", errno: "EIO", hint: "a hint" });
    expect(channel.end(new PortholeError("ATTACH", "the second reason"))).toBe(reason);
    await turn();
    for (const { settled } of all) expect(settled).toEqual({ state: "failed", value: reason });
    expect(reasons).toEqual([reason]);
    expect(channel.ended).toBe(reason);
    await expect(ask().reply).rejects.toBe(reason);
    channel.writable();
    expect(channel.waiting).toBe(0);
  });

  test("closes the descriptors of a late packet", () => {
    const { channel, reasons, ask, answer } = setUp();
    ask(Op.open, { maxFds: 1 }).reply.catch(() => undefined);
    const reason = channel.end("over");
    const late = new Descriptor();
    answer(1, Op.open, nothing, [late]);
    expect(late.closed).toBe(1);
    expect(channel.ended).toBe(reason);
    expect(reasons).toHaveLength(1);
  });
});

describe("a protocol violation ends the session and closes the received descriptors:", () => {
  const cases: [string, (channel: Channel<Descriptor>, descriptors: Descriptor[]) => void, RegExp][] = [
    [
      "an answer to a request that is not pending",
      (channel, descriptors) => channel.packet(encodeMessage(Op.open | REPLY, 9, nothing, 1), descriptors),
      /a reply to request 9, which is not pending/,
    ],
    [
      "an answer with id 0",
      (channel, descriptors) => channel.packet(encodeMessage(Op.open | REPLY, 0, nothing, 1), descriptors),
      /a reply to request 0/,
    ],
    [
      "an answer of another kind",
      (channel, descriptors) => channel.packet(encodeMessage(Op.stat | REPLY, 1, nothing, 1), descriptors),
      /message 32773 as the reply to request 1 \(open\)/,
    ],
    [
      "a request",
      (channel, descriptors) => channel.packet(encodeMessage(Op.open, 1, nothing, 1), descriptors),
      /message 4 as the reply to request 1 \(open\)/,
    ],
    [
      "more descriptors than asked for",
      (channel, descriptors) => {
        descriptors.push(new Descriptor());
        channel.packet(encodeMessage(Op.open | REPLY, 1, nothing, 2), descriptors);
      },
      /2 descriptors in reply to open/,
    ],
    [
      "an errno with a descriptor",
      (channel, descriptors) => channel.packet(encodeMessage(Op.open | REPLY, 1, nothing, 1, 2), descriptors),
      /an error reply with a body or descriptors to open/,
    ],
    [
      "a header with another count",
      (channel, descriptors) => channel.packet(encodeMessage(Op.open | REPLY, 1, nothing, 0), descriptors),
      /1 descriptors instead of 0/,
    ],
    [
      "a packet that is no message",
      (channel, descriptors) => channel.packet(Uint8Array.of(1, 2, 3), descriptors),
      /a packet of 3 bytes without a full header/,
    ],
  ];

  test.each(cases)("%s", async (_, send, complaint) => {
    const { channel, reasons, ask } = setUp();
    const { reply } = ask(Op.open, { maxFds: 1 });
    const descriptors = [new Descriptor()];
    send(channel, descriptors);
    await expect(reply).rejects.toMatchObject({ code: "SESSION", message: expect.stringMatching(complaint) });
    expect(descriptors.map(({ closed }) => closed)).toEqual(descriptors.map(() => 1));
    expect(reasons).toEqual([channel.ended]);
  });

  test("an errno with a body", async () => {
    const { ask, answer } = setUp();
    const { reply } = ask();
    answer(1, Op.stat, Uint8Array.of(1), [], 2);
    await expect(reply).rejects.toThrow("an error reply with a body or descriptors to stat");
  });

  test("the same answer twice, of which the first is valid", async () => {
    const { channel, ask, answer } = setUp();
    const { reply } = ask(Op.open, { maxFds: 1 });
    const [first, second] = [new Descriptor(), new Descriptor()];
    answer(1, Op.open, nothing, [first]);
    answer(1, Op.open, nothing, [second]);
    expect((await reply).descriptors).toEqual([first]);
    expect([first.closed, second.closed]).toEqual([0, 1]);
    expect(channel.ended?.message).toMatch("which is not pending");
  });

  test("an answer to a request that is not sent yet", () => {
    const { channel, socket, ask, answer } = setUp();
    socket.room = 0;
    ask().reply.catch(() => undefined);
    answer(1);
    expect(channel.ended?.message).toMatch("a reply to request 1, which is not pending");
  });
});

describe("a timeout", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("that passes ends the session for all requests with one reason", async () => {
    const { channel, reasons, ask, answer } = setUp();
    const [first, second] = [ask(Op.open), ask(Op.stat)];
    vi.advanceTimersByTime(TIMEOUT - 1);
    expect(channel.ended).toBeUndefined();
    vi.advanceTimersByTime(2);
    await turn();
    expect(channel.ended).toMatchObject({
      ...{ code: "SESSION", errno: "ETIMEDOUT", message: "the agent did not answer open in time" },
    });
    expect([first.settled.value, second.settled.value]).toEqual([channel.ended, channel.ended]);
    answer(1, Op.open);
    expect(reasons).toHaveLength(1);
  });

  test("counts from the beginning of each request", async () => {
    const { channel, ask, answer } = setUp();
    ask();
    vi.advanceTimersByTime(TIMEOUT - 100);
    ask().reply.catch(() => undefined);
    answer(1);
    vi.advanceTimersByTime(TIMEOUT - 100);
    expect(channel.ended).toBeUndefined();
    vi.advanceTimersByTime(101);
    await turn();
    expect(channel.ended).toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("does not count the time that a request waits for earlier ones", async () => {
    const { channel, ask, answer } = setUp();
    const asked = Array.from({ length: MAX_IN_FLIGHT + 2 }, () => ask());
    asked.at(-1)?.reply.catch(() => undefined);
    for (let id = 1; id < asked.length; id++) {
      vi.advanceTimersByTime(TIMEOUT - 1);
      await turn();
      answer(id);
    }
    await turn();
    expect(channel.ended).toBeUndefined();
    vi.advanceTimersByTime(TIMEOUT + 1);
    await turn();
    expect(channel.ended).toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("that is short still applies after an answered request with a longer timeout", async () => {
    const { channel, ask, answer } = setUp();
    ask();
    answer(1);
    ask(Op.bye, { timeoutMs: 100 }).reply.catch(() => undefined);
    vi.advanceTimersByTime(101);
    await turn();
    expect(channel.ended?.message).toBe("the agent did not answer bye in time");
  });

  test("applies to requests that could not be sent", async () => {
    const { channel, socket, ask } = setUp();
    socket.room = 0;
    ask().reply.catch(() => undefined);
    vi.advanceTimersByTime(TIMEOUT + 1);
    await turn();
    expect(channel.ended).toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("that passed while this process was busy is ignored if the answer has arrived", async () => {
    const { channel, ask, answer } = setUp();
    const [first, second] = [ask(), ask()];
    vi.advanceTimersByTime(TIMEOUT + 1);
    answer(1);
    answer(2);
    await turn();
    expect([first.settled.state, second.settled.state, channel.ended]).toEqual(["answered", "answered", undefined]);
  });

  test("that passed for an answered request begins again for the next request", async () => {
    const { channel, ask, answer } = setUp();
    ask();
    ask().reply.catch(() => undefined);
    vi.advanceTimersByTime(TIMEOUT + 1);
    answer(1);
    await turn();
    vi.advanceTimersByTime(TIMEOUT - 1);
    await turn();
    expect(channel.ended).toBeUndefined();
    vi.advanceTimersByTime(2);
    await turn();
    expect(channel.ended).toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("is removed with its answer", () => {
    const { channel, ask, answer } = setUp();
    ask();
    answer(1);
    vi.advanceTimersByTime(10 * TIMEOUT);
    expect(channel.ended).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});
