import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PortholeError } from "../../src/errors.ts";
import { Channel, type Closable } from "../../src/protocol/channel.ts";
import { decodeMessage, encodeMessage, type Message } from "../../src/protocol/codec.ts";
import { MAX_IN_FLIGHT, Op, REPLY } from "../../src/protocol/messages.ts";

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

/** A channel over a socket that takes `room` packets before it is full, or throws. */
function setUp() {
  const sent: Message[] = [];
  const reasons: PortholeError[] = [];
  const socket = { room: Number.POSITIVE_INFINITY, failure: undefined as Error | undefined };
  const channel = new Channel<Descriptor>(
    {
      send(packet) {
        if (socket.failure) throw socket.failure;
        if (socket.room-- <= 0) return false;
        sent.push(decodeMessage(Uint8Array.from(packet), 0));
        return true;
      },
      discard: (descriptor) => descriptor.close(),
    },
    (reason) => reasons.push(reason),
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
  test("are matched by their ids, which begin at 1 and never come again, in whatever order answers come", async () => {
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
    expect(await two.reply).toEqual({ id: 2, body: Uint8Array.of(22), descriptors: [descriptor] });
    expect(await one.reply).toEqual({ id: 1, body: Uint8Array.of(11), descriptors: [] });
    expect(descriptor.closed).toBe(0);
    ask();
    expect(ids(sent)).toEqual([1, 2, 3]);
  });

  test("an answer's body is the caller's, whatever becomes of the packet", async () => {
    const { channel, ask } = setUp();
    const { reply } = ask();
    const packet = Uint8Array.from(encodeMessage(Op.stat | REPLY, 1, Uint8Array.of(1, 2)));
    channel.packet(packet, []);
    packet.fill(9);
    expect((await reply).body).toEqual(Uint8Array.of(1, 2));
  });

  test("an errno becomes the error that the caller makes of it, and the session goes on", async () => {
    const { channel, ask, answer } = setUp();
    const { reply } = ask();
    answer(1, Op.stat, nothing, [], 13);
    await expect(reply).rejects.toEqual(new Refusal(13, nothing));
    expect(channel.ended).toBeUndefined();
    const next = ask();
    answer(2);
    await next.reply;
  });

  test("HELLO alone may have a body behind its errno", async () => {
    const { channel, ask, answer } = setUp();
    const { reply } = ask(Op.hello);
    answer(1, Op.hello, Uint8Array.of(2, 0), [], 71);
    await expect(reply).rejects.toMatchObject({ errno: 71, body: Uint8Array.of(2, 0) });
    expect(channel.ended).toBeUndefined();
  });

  test("no more than 32 are unanswered; the others wait in their order", () => {
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
  test("a full socket holds requests back until it is writable, each sent once and in order", () => {
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

  test("an answer can make the socket full again, and the channel says so", () => {
    const { channel, socket, ask, answer } = setUp();
    for (let n = 0; n < MAX_IN_FLIGHT + 1; n++) ask();
    expect(channel.blocked).toBe(false);
    socket.room = 0;
    answer(1);
    expect(channel.blocked).toBe(true);
  });

  test("a channel that ended is not blocked: nobody is to wait for room", () => {
    const { channel, socket, ask } = setUp();
    socket.room = 0;
    ask();
    expect(channel.blocked).toBe(true);
    channel.end("over");
    expect(channel.blocked).toBe(false);
  });

  test("a socket that fails ends the session, with its error as the cause", async () => {
    const { channel, reasons, socket, ask } = setUp();
    const first = ask();
    socket.failure = new Error("EPIPE");
    const second = ask();
    await turn();
    expect(channel.ended).toMatchObject({ code: "SESSION", message: "the agent is gone", cause: socket.failure });
    expect(reasons).toEqual([channel.ended]);
    expect([first.settled, second.settled]).toEqual([
      { state: "failed", value: channel.ended },
      { state: "failed", value: channel.ended },
    ]);
  });
});

describe("the end", () => {
  test("fails what waits and what is queued with the one reason, which the first to end it gives", async () => {
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

  test("closes the descriptors of a packet that comes late", () => {
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

describe("an agent that breaks the protocol ends the session, and what it sent along is closed", () => {
  const cases: [string, (channel: Channel<Descriptor>, descriptors: Descriptor[]) => void, RegExp][] = [
    [
      "an answer that nobody waits for",
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
      /1 descriptors where its header says 0/,
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

  test("the same answer twice: the first counts, the second ends the session", async () => {
    const { channel, ask, answer } = setUp();
    const { reply } = ask(Op.open, { maxFds: 1 });
    const [first, second] = [new Descriptor(), new Descriptor()];
    answer(1, Op.open, nothing, [first]);
    answer(1, Op.open, nothing, [second]);
    expect((await reply).descriptors).toEqual([first]);
    expect([first.closed, second.closed]).toEqual([0, 1]);
    expect(channel.ended?.message).toMatch("which is not pending");
  });

  test("an answer to a request that was not sent yet", () => {
    const { channel, socket, ask, answer } = setUp();
    socket.room = 0;
    ask().reply.catch(() => undefined);
    answer(1);
    expect(channel.ended?.message).toMatch("a reply to request 1, which is not pending");
  });
});

describe("a deadline", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("that passes ends the session for everybody, with one reason", async () => {
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

  test("counts for each request from its own beginning", async () => {
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

  test("that is short is kept after a longer one that was answered", async () => {
    const { channel, ask, answer } = setUp();
    ask();
    answer(1);
    ask(Op.bye, { timeoutMs: 100 }).reply.catch(() => undefined);
    vi.advanceTimersByTime(101);
    await turn();
    expect(channel.ended?.message).toBe("the agent did not answer bye in time");
  });

  test("holds for requests that could not even be sent", async () => {
    const { channel, socket, ask } = setUp();
    socket.room = 0;
    ask().reply.catch(() => undefined);
    vi.advanceTimersByTime(TIMEOUT + 1);
    await turn();
    expect(channel.ended).toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("that passed while this process did something else does not count when the answer is there", async () => {
    const { channel, ask, answer } = setUp();
    const [first, second] = [ask(), ask()];
    vi.advanceTimersByTime(TIMEOUT + 1);
    answer(1);
    answer(2);
    await turn();
    expect([first.settled.state, second.settled.state, channel.ended]).toEqual(["answered", "answered", undefined]);
  });

  test("that passed for one whose answer was there holds for the next", async () => {
    const { channel, ask, answer } = setUp();
    ask();
    ask().reply.catch(() => undefined);
    vi.advanceTimersByTime(TIMEOUT + 1);
    answer(1);
    await turn();
    vi.advanceTimersByTime(1);
    await turn();
    expect(channel.ended).toMatchObject({ errno: "ETIMEDOUT" });
  });

  test("is forgotten with its answer", () => {
    const { channel, ask, answer } = setUp();
    ask();
    answer(1);
    vi.advanceTimersByTime(10 * TIMEOUT);
    expect(channel.ended).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});
