import { writeFile, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { pipe } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { readable } from "../../src/descriptors/poll.ts";
import { FdSocket, socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { decodeMessage, encode, encodeMessage, type Message } from "../../src/protocol/codec.ts";
import { MAX_IN_FLIGHT, Op, REPLY, VERSION } from "../../src/protocol/messages.ts";
import { AgentClient } from "../../src/sessions/agent/agent-client.ts";
import { owned } from "../descriptors/fixtures.ts";
import { descriptorCount } from "../helpers/processes.ts";
import { entry, trailer } from "../protocol/record-bytes.ts";
import { agentInfo } from "../protocol/samples.ts";

const nothing = new Uint8Array(0);
const what = () => "cannot do it";

/** The agent's end of a session, with faults that real agents do not have. */
class Peer {
  readonly socket: FdSocket;
  constructor(fd: OwnedFd) {
    this.socket = owned(new FdSocket(fd, { maxDescriptors: 0 }));
  }

  async receive(): Promise<Message> {
    for (;;) {
      const packet = this.socket.receive();
      if (packet === "end") throw new Error("the client has gone");
      if (packet !== "again") return decodeMessage(Uint8Array.from(packet.data), 0);
      await readable(this.socket.fd, { timeoutMs: 20_000 });
    }
  }

  answer({ type, id }: Message, body: Uint8Array = nothing, descriptors: OwnedFd[] = [], error = 0): void {
    this.socket.send(encodeMessage(type | REPLY, id, body, descriptors.length, error), descriptors);
  }
}

function ends(): { peer: Peer; opening: Promise<AgentClient> } {
  const [ours, theirs] = socketpair();
  return { peer: new Peer(theirs), opening: AgentClient.open(ours) };
}

async function session(): Promise<{ peer: Peer; client: AgentClient }> {
  const { peer, opening } = ends();
  peer.answer(await peer.receive(), agentInfo());
  const client = await opening;
  onTestFinished(() => void client.close());
  return { peer, client };
}

/** Requests a list whose pipe has arrived and is still empty. */
async function listing(peer: Peer, client: AgentClient): Promise<{ next: Promise<unknown>; writing: OwnedFd }> {
  const [reading, writing] = pipe();
  const next = client.records(Op.list, encode.list(0, Buffer.from("/")), 20_000, what).next();
  peer.answer(await peer.receive(), nothing, [reading]);
  reading.close();
  await delay(0);
  return { next, writing };
}

describe("HELLO", () => {
  test("of an agent of another version fails with both versions, by errno or by its description", async () => {
    for (const error of [71, 0]) {
      const { peer, opening } = ends();
      peer.answer(await peer.receive(), agentInfo({ version: VERSION + 1 }), [], error);
      await expect(opening).rejects.toMatchObject({
        ...{ code: "ATTACH", errno: "EPROTO" },
        message: `protocol mismatch: the agent has version ${VERSION + 1}, this porthole ${VERSION}`,
      });
    }
  });

  test.each([
    ["with nothing behind it", nothing],
    ["with the info of this version", agentInfo()],
  ])("refused with the errno %s is a SESSION error", async (_, body) => {
    const { peer, opening } = ends();
    peer.answer(await peer.receive(), body, [], 11);
    await expect(opening).rejects.toMatchObject({
      ...{
        code: "SESSION",
        errno: "EAGAIN",
        message: "the agent refused the session: Resource temporarily unavailable",
      },
    });
  });

  test("without an answer closes its descriptors", async () => {
    await session(); // The first session creates the reactor's descriptors.
    const before = descriptorCount();
    const { peer, opening } = ends();
    peer.socket.close();
    await expect(opening).rejects.toMatchObject({ code: "SESSION" });
    expect(descriptorCount()).toBe(before);
  });
});

describe("a session whose socket is full", () => {
  const long = encode.stat(0, Buffer.alloc(4095, "x"));
  const short = encode.stat(0, Buffer.from("x"));

  /**
   * Sends requests that fill the socket and the window, and more that are queued. The first
   * requests are short, so that one reply frees too little room.
   */
  function flood(client: AgentClient, count: number): Promise<unknown>[] {
    return Array.from({ length: count }, (_, index) =>
      client.request(Op.stat, index < MAX_IN_FLIGHT - 8 ? short : long, 0, 20_000, what),
    );
  }

  test("continues when there is room again", async () => {
    const { peer, client } = await session();
    const replies = flood(client, 150);
    for (let answered = 0; answered < replies.length; answered++) peer.answer(await peer.receive());
    await Promise.all(replies);
    expect(client.ended).toBeUndefined();
  });

  test("fails every request, and later ones, when the agent ends", async () => {
    const { peer, client } = await session();
    const first = Array.from({ length: 64 }, () => client.request(Op.stat, long, 0, 20_000, what));
    peer.socket.close();
    for (const settled of await Promise.allSettled(first))
      expect(settled).toMatchObject({ status: "rejected", reason: { code: "SESSION" } });
    await expect(client.request(Op.stat, short, 0, 20_000, what)).rejects.toBe(client.ended);
  });

  test("fails every request, and later ones, at its timeout", async () => {
    const { client } = await session();
    const first = Array.from({ length: 64 }, () => client.request(Op.stat, long, 0, 50, what));
    for (const settled of await Promise.allSettled(first))
      expect(settled).toMatchObject({ status: "rejected", reason: { code: "SESSION", errno: "ETIMEDOUT" } });
    await expect(client.request(Op.stat, short, 0, 20_000, what)).rejects.toBe(client.ended);
  });
});

describe("records", () => {
  test("that stop arriving end the session, with the request and the timeout", async () => {
    const { peer, client } = await session();
    const [reading, writing] = pipe();
    owned(writing);
    const next = client.records(Op.list, encode.list(0, Buffer.from("/")), 1000, what).next();
    peer.answer(await peer.receive(), nothing, [owned(reading)]);
    await expect(next).rejects.toMatchObject({
      ...{ code: "SESSION", errno: "ETIMEDOUT", message: "cannot do it: the agent sent nothing for 1 s" },
    });
    expect(client.ended).toBeDefined();
  });

  test.each([
    ["entries", { records: 100_000, text: 1e9, bytes: 1e9 }, "100000 entries", 100_000],
    ["names", { records: 1e9, text: 100_000, bytes: 1e9 }, "100000 bytes of names", 100_000],
    [
      "bytes",
      { records: 1e9, text: 1e9, bytes: 1_000_000 },
      "1000000 bytes",
      Math.floor(1_000_000 / entry(Buffer.from("x")).length),
    ],
  ])("without end stop at a limit of %s, and the agent stops writing", async (_, limits, limit, most) => {
    const { peer, client } = await session();
    const records = client.records(Op.list, encode.list(0, Buffer.from("/")), 20_000, what, limits);
    const next = records.next();
    const [reading, writing] = pipe();
    peer.answer(await peer.receive(), nothing, [reading]);
    reading.close();
    const block = Buffer.concat(Array.from({ length: 1000 }, () => entry(Buffer.from("x"))));
    const written = new Promise<string>((resolve) => {
      const more = () => writeFile(writing.number, block, (error) => (error ? resolve(error.code ?? "") : more()));
      more();
    });
    let count = (await next).value?.length ?? 0;
    const reading_ = async () => {
      for await (const more of records) count += more.length;
    };
    await expect(reading_()).rejects.toMatchObject({
      ...{ code: "FILE", errno: "E2BIG", message: `cannot do it: more than ${limit}, porthole's limit` },
    });
    expect(count).toBeLessThanOrEqual(most);
    expect(count).toBeGreaterThan(most - 65_536);
    expect(await written).toBe("EPIPE");
    writing.close();
    expect(client.ended).toBeUndefined();
  });

  test("that trickle end the session even if each is within the timeout", async () => {
    const { peer, client } = await session();
    const records = client.records(Op.list, encode.list(0, Buffer.from("/")), 1000, what);
    const next = records.next();
    const [reading, writing] = pipe();
    peer.answer(await peer.receive(), nothing, [owned(reading)]);
    const trickling = setInterval(() => writeSync(writing.number, entry(Buffer.from("x"))), 100);
    onTestFinished(() => {
      clearInterval(trickling);
      writing.close();
    });
    await next;
    const taking = async () => {
      for await (const _ of records);
    };
    await expect(taking()).rejects.toMatchObject({
      ...{ code: "SESSION", errno: "ETIMEDOUT" },
      message: expect.stringMatching(/^cannot do it: the agent sent only \d+ entries in \d+(\.\d+)? s$/),
    });
    expect(client.ended).toBeDefined();
  });

  test("that the caller takes slowly do not time out", async () => {
    const { peer, client } = await session();
    const records = client.records(Op.list, encode.list(0, Buffer.from("/")), 1000, what);
    const next = records.next();
    const [reading, writing] = pipe();
    peer.answer(await peer.receive(), nothing, [reading]);
    reading.close();
    for (let round = 0; round < 3; round++) {
      const more = round === 0 ? next : records.next();
      // The loop waits for each record for a moment.
      await delay(20);
      writeSync(writing.number, entry(Buffer.from("x")));
      expect((await more).value).toHaveLength(1);
      await delay(1500);
    }
    writeSync(writing.number, trailer(3));
    expect((await records.next()).done).toBe(true);
    writing.close();
  });

  test("without a pipe are a protocol violation", async () => {
    const { peer, client } = await session();
    const next = client.records(Op.list, encode.list(0, Buffer.from("/")), 20_000, what).next();
    peer.answer(await peer.receive());
    await expect(next).rejects.toMatchObject({
      code: "SESSION",
      message: expect.stringMatching("the agent sent no pipe"),
    });
  });

  test("that end with the agent are reported as its end, not as its violation", async () => {
    const { peer, client } = await session();
    const { next, writing } = await listing(peer, client);
    // As close_files() of a killed process does: in the order of their numbers.
    peer.socket.close();
    writing.close();
    await expect(next).rejects.toMatchObject({ code: "SESSION", message: "the agent ended the session" });
  });

  test("that are no longer requested are closed", async () => {
    const { peer, client } = await session();
    const before = descriptorCount();
    const { next, writing } = await listing(peer, client);
    writing.close();
    await expect(next).rejects.toThrow("a truncated list");
    expect(descriptorCount()).toBe(before);
  });
});
