import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { decodeAgentInfo } from "../../src/protocol/agent-info.ts";
import { encode, encodeMessage } from "../../src/protocol/codec.ts";
import { Header, Op, REPLY, VERSION } from "../../src/protocol/messages.ts";
import { type Agent, bytes, nameOf, type RawSession, startAgent } from "../helpers/agent.ts";
import { amount, counted } from "../helpers/extent.ts";

const empty = new Uint8Array(0);
const path = bytes("/");
const u16 = (value: number) => Buffer.from(Uint16Array.of(value).buffer);
const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const join = (...parts: Uint8Array[]) => Buffer.concat(parts);

/** Returns the header of a well-formed request with one field changed. */
function withField(offset: number, value: number): Uint8Array {
  const packet = encodeMessage(Op.stat, 2, encode.stat(0, path));
  const view = new DataView(packet.buffer, packet.byteOffset);
  if (offset < Header.id) view.setUint16(offset, value, true);
  else view.setUint32(offset, value, true);
  return packet;
}

// Uses the sanitised build, because a read beyond a packet could succeed by chance.
describe("the agent ends the session of a client that breaks the protocol", () => {
  let agent: Agent;
  let bystander: RawSession;
  let session: RawSession;

  beforeAll(async () => {
    agent = await startAgent({ build: "asan", args: ["mount", "--target-pid", String(process.pid)] });
    bystander = await agent.session();
  });
  afterAll(async () => {
    bystander.close();
    await agent.stop();
  });
  beforeEach(async () => {
    session = await agent.session();
  });
  afterEach(async () => {
    session.close();
    await bystander.must(Op.stat, encode.stat(0, path));
  });

  /** Sends a packet after HELLO (id 1) and expects EPROTO, then the end. */
  async function rejected(packet: Uint8Array): Promise<void> {
    session.raw(packet);
    const reply = await session.receive();
    if (reply === "end") throw new Error("no reply");
    const view = new DataView(packet.buffer, packet.byteOffset);
    expect([reply.type, reply.id]).toEqual([view.getUint16(0, true) | REPLY, view.getUint32(4, true)]);
    expect([nameOf(reply.error), reply.body.length, reply.descriptors.length]).toEqual(["EPROTO", 0, 0]);
    expect(await session.receive()).toBe("end");
  }

  test.each(Array.from({ length: Header.size - 1 }, (_, index) => index + 1))("by %i bytes", async (length) => {
    session.raw(encodeMessage(Op.stat, 2, encode.stat(0, path)).subarray(0, length));
    expect(await session.receive()).toBe("end");
  });

  test.each([
    ["type 0", withField(Header.type, 0)],
    ["an unknown type", withField(Header.type, 15)],
    ["the largest type", withField(Header.type, 0x7fff)],
    ["a reply", withField(Header.type, Op.stat | REPLY)],
    ["ANNOUNCE", encodeMessage(Op.announce, 2, new Uint8Array(112))],
    ["SERVE", encodeMessage(Op.serve, 2, u32(VERSION))],
    ["a second HELLO", encodeMessage(Op.hello, 2, encode.hello())],
    ["a descriptor announced that did not come", withField(Header.descriptors, 1)],
    ["an id used before", withField(Header.id, 1)],
    ["id 0", withField(Header.id, 0)],
    ["an error in a request", withField(Header.error, 5)],
    ["a length too short", withField(Header.length, 6)],
    ["a length too long", withField(Header.length, 8)],
    ["the largest length", withField(Header.length, 0xffff_ffff)],
  ])("by %s", (_, packet) => rejected(packet));

  const bodies: [string, number, Uint8Array][] = [
    ["OPEN without a body", Op.open, empty],
    ["OPEN with an unknown flag", Op.open, encode.open(32, 0n, path)],
    ["OPEN with every flag", Op.open, encode.open(0xffff_ffff, 0n, path)],
    ["OPEN cut in its offset", Op.open, encode.open(0, 0n, path).subarray(0, 10)],
    ["OPEN without a path", Op.open, encode.open(0, 0n, path).subarray(0, 12)],
    ["OPEN cut in its path's length", Op.open, encode.open(0, 0n, path).subarray(0, 13)],
    ["a path longer than the packet", Op.readlink, join(u16(2), path)],
    ["a path shorter than the packet", Op.readlink, join(u16(1), path, path)],
    ["an empty path", Op.readlink, u16(0)],
    ["a path with NUL", Op.readlink, join(u16(3), bytes("/\0a"))],
    ["a path of 4096 bytes", Op.readlink, join(u16(4096), bytes("x".repeat(4096)))],
    ["a path of 65535 bytes, fewer there", Op.readlink, join(u16(0xffff), bytes("x".repeat(60_000)))],
    ["STAT with a flag of OPEN", Op.stat, encode.stat(1, path)],
    ["READLINK without a body", Op.readlink, empty],
    ["LIST with an unknown flag", Op.list, encode.list(2, path)],
    ["WATCH that removes with a path", Op.watch, encode.watch(1, 0, 1, path)],
    ["WATCH that adds without a path", Op.watch, encode.watch(0, 2, -1, undefined)],
    ["WATCH that adds with a number", Op.watch, encode.watch(0, 2, 1, path)],
    ["WATCH with an unknown flag", Op.watch, encode.watch(4, 2, -1, path)],
    ["RELAY_END without an id", Op.relayEnd, empty],
    ["RELAY_END with more behind it", Op.relayEnd, join(u32(1), u32(1))],
    ["OPEN_MANY without a body", Op.openMany, empty],
    ["OPEN_MANY without a name", Op.openMany, encode.openMany(path, [])],
    ["OPEN_MANY with a path for a name", Op.openMany, encode.openMany(path, [bytes("etc"), bytes("etc/passwd")])],
    ["OPEN_MANY with an empty name", Op.openMany, join(encode.openMany(path, [bytes("etc")]), u16(0))],
    ["OPEN_MANY cut in a name", Op.openMany, encode.openMany(path, [bytes("etc")]).subarray(0, 7)],
    ["OPEN_MANY with 65 names", Op.openMany, encode.openMany(path, Array<Uint8Array>(65).fill(bytes("etc")))],
    ["PROCESSES without flags", Op.processes, empty],
    ["PROCESSES with an unknown flag", Op.processes, encode.processes(2)],
    ["PROCESSES with more behind it", Op.processes, join(encode.processes(0), u32(0))],
    ["OPEN_PROCESS_FD with a flag of OPEN", Op.openProcessFd, encode.openProcessFd(2, 1, 1, 0n)],
    ["OPEN_PROCESS_FD cut", Op.openProcessFd, encode.openProcessFd(0, 1, 1, 0n).subarray(0, 19)],
    ["MOUNTS with a body", Op.mounts, u32(0)],
    ["BYE without a scope", Op.bye, empty],
    ["BYE with an unknown scope", Op.bye, encode.bye(2)],
    ["the longest packet", Op.list, new Uint8Array(65_536 - Header.size)],
  ];
  test.each(bodies)("by %s", (_, type, body) => rejected(encodeMessage(type, 2, body)));

  test.each([1, 2, 253])("by %i descriptors, and keeps none of them", async (count) => {
    const pair = socketpair();
    const packet = encodeMessage(Op.stat, 2, encode.stat(0, path));
    session.raw(
      packet,
      Array.from({ length: count }, () => pair[0]),
    );
    const reply = await session.receive();
    expect(reply === "end" ? reply : nameOf(reply.error)).toBe("EPROTO");
    pair[0].close();
    pair[1].close();
  });

  test("by a first message that is not HELLO", async () => {
    session.close();
    session = agent.connect();
    session.raw(encodeMessage(Op.stat, 1, encode.stat(0, path)));
    const reply = await session.receive();
    expect(reply === "end" ? reply : nameOf(reply.error)).toBe("EPROTO");
    expect(await session.receive()).toBe("end");
  });

  test.each([
    ["alone", u32(VERSION + 1)],
    ["with fields that this version does not know", join(u16(VERSION + 1), new Uint8Array(40))],
  ])("by another version, %s, and reports both versions", async (_, body) => {
    session.close();
    session = agent.connect();
    const reply = await session.request(Op.hello, body);
    expect(nameOf(reply.error)).toBe("EPROTO");
    expect(decodeAgentInfo(reply.body).version).toBe(VERSION);
    expect(await session.receive()).toBe("end");
  });

  test.each([
    ["empty", empty],
    ["of one byte", new Uint8Array(1)],
    ["too long", join(encode.hello(), u16(0))],
    ["with a reserved field set", join(u16(VERSION), u16(1))],
  ])("by a HELLO that is %s", async (_, body) => {
    session.close();
    session = agent.connect();
    const reply = await session.request(Op.hello, body);
    expect([nameOf(reply.error), reply.body.length]).toEqual(["EPROTO", 0]);
    expect(await session.receive()).toBe("end");
  });

  const packets = amount(3000, 800);
  test(`by ${counted(packets)} packets of noise, one session each`, async () => {
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let n = 0; n < packets; n++) {
      const noisy = await agent.session();
      const body = Uint8Array.from({ length: random(48) }, () => random(256));
      const packet = encodeMessage(random(3) ? 4 + random(8) : random(65_536), random(3) ? 2 : random(4), body);
      if (random(4) === 0) packet[random(packet.length)] = random(256);
      noisy.raw(packet);
      const reply = await noisy.receive();
      if (reply !== "end") for (const fd of reply.descriptors) fd.close();
      noisy.close();
    }
  });
});
