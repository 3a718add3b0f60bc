import { fstatSync, readlinkSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeAgentInfo } from "../../src/protocol/agent-info.ts";
import { encode } from "../../src/protocol/codec.ts";
import { decodeFileStat } from "../../src/protocol/file-stat.ts";
import { ListFlag, Op, OpenFlag } from "../../src/protocol/messages.ts";
import type { EntryRecord } from "../../src/protocol/records.ts";
import { type Agent, builds, bytes, drain, startAgent } from "../helpers/agent.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { type FuseTarget, fuseTarget } from "../helpers/fuse.ts";
import { childrenOf, isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const SIZE = 1 << 20;

describeAsRoot("a file system whose server may not answer", () => {
  let target: FuseTarget;

  beforeEach(async () => {
    target = await fuseTarget();
  });
  afterEach(() => target.stop());

  const started = (build: (typeof builds)[number]): Promise<Agent> =>
    startAgent({ build, args: ["direct", "--target-pid", String(target.pid)] });
  const open = (name: string, offset = 0n, flags = 0) => encode.open(flags, offset, bytes(`${target.place}/${name}`));

  test.each(builds)("the %s agent relays a file through a pipe, from any offset", async (build) => {
    const agent = await started(build);
    const session = await agent.session();
    for (const offset of [0n, 8n * 70_000n, BigInt(SIZE), BigInt(SIZE) + 5n]) {
      const { body, descriptors } = await session.must(Op.open, open("data", offset));
      expect(decodeFileStat(body)).toMatchObject({ relayed: true, size: BigInt(SIZE) });
      const [fd] = descriptors;
      if (!fd) throw new Error("no descriptor");
      const text = await drain(fd);
      expect(text.length).toBe(Math.max(0, SIZE - Number(offset)));
      if (text.length > 0) {
        expect(text.subarray(0, 8).toString()).toBe(`${String(offset).padStart(7, "0")}\n`);
        expect(text.subarray(-8).toString()).toBe(`${SIZE - 8}\n`);
      }
    }
    session.close();
    await agent.stop();
  });

  test.each(builds)("the %s agent reports how a relay ended: complete, by an error, or not at all", async (build) => {
    const agent = await started(build);
    const session = await agent.session();
    const relay = async (name: string) => {
      const id = session.send(Op.open, open(name));
      const reply = await session.receive();
      if (reply === "end" || !reply.descriptors[0]) throw new Error("no pipe");
      return { id, pipe: reply.descriptors[0] };
    };
    const whole = await relay("data");
    expect(await session.failure(Op.relayEnd, encode.relayEnd(whole.id))).toBe("EAGAIN");
    expect((await drain(whole.pipe)).length).toBe(SIZE);
    const { error, body } = await session.request(Op.relayEnd, encode.relayEnd(whole.id));
    expect([error, Buffer.from(body).readBigUInt64LE()]).toEqual([0, BigInt(SIZE)]);
    const broken = await relay("bad-read");
    expect((await drain(broken.pipe)).length).toBe(65_536);
    expect(await session.failure(Op.relayEnd, encode.relayEnd(broken.id))).toBe("EIO");
    expect(await session.failure(Op.relayEnd, encode.relayEnd(4711))).toBe("ENOENT");
    session.close();
    await agent.stop();
  });

  test("a file on a local file system is relayed on request of the host", async () => {
    const agent = await started("asan");
    const session = await agent.session();
    const path = bytes(readlinkSync("/proc/self/exe"));
    for (const [flags, relayed] of [
      [0, false],
      [OpenFlag.relay, true],
    ] as const) {
      const { body, descriptors } = await session.must(Op.open, encode.open(flags, 0n, path));
      expect(decodeFileStat(body).relayed).toBe(relayed);
      for (const fd of descriptors) {
        expect(fstatSync(fd.number).isFIFO()).toBe(relayed);
        fd.close();
      }
    }
    session.close();
    await agent.stop();
  });

  test("a file of /proc that reads a process's memory is relayed, others are passed", async () => {
    const agent = await started("asan");
    const session = await agent.session();
    for (const [name, relayed] of [
      ["mem", true],
      ["cmdline", false],
      ["status", false],
    ] as const) {
      const reply = await session.must(Op.open, encode.open(0, 0n, bytes(`/proc/${target.pid}/${name}`)));
      expect(decodeFileStat(reply.body).relayed).toBe(relayed);
      for (const fd of reply.descriptors) fd.close();
    }
    session.close();
    await agent.stop();
  });

  test("the agent refuses to relay a write, a directory and an offset beyond any file", async () => {
    const agent = await started("asan");
    const session = await agent.session();
    expect(await session.failure(Op.open, open("data", 0n, OpenFlag.write))).toBe("ENOTSUP");
    expect(await session.failure(Op.open, open("", 0n))).toBe("ENOTSUP");
    expect(await session.failure(Op.open, open("data", 1n << 63n))).toBe("EINVAL");
    const { records, error } = await session.records(Op.list, encode.list(ListFlag.stat, bytes(target.place)));
    expect(error).toBe(0);
    expect((records as EntryRecord[]).map(({ name, stat }) => [Buffer.from(name).toString(), stat?.relayed])).toEqual([
      ["data", true],
      ["no-open", true],
      ["no-read", true],
      ["no-flush", true],
      ["bad-read", true],
      ["no-getattr", true],
    ]);
    session.close();
    await agent.stop();
  });

  test("an open that hangs blocks only its own client, and its slot becomes free again", async () => {
    const agent = await started("release");
    const other = await agent.session();
    for (let n = 0; n < 3; n++) {
      const hanging = await agent.session();
      hanging.send(Op.open, open("no-open"));
      await other.must(Op.stat, encode.stat(0, bytes("/")));
      hanging.close();
    }
    await waitFor("the hanging clients to be dropped", async () => {
      const newcomer = agent.connect();
      const { body } = await newcomer.must(Op.hello, encode.hello());
      newcomer.close();
      return decodeAgentInfo(body).clients === 2;
    });
    const hung = childrenOf(agent.pid);
    await target.stop();
    expect((await agent.ended).status).toBe(0);
    await waitFor("the hung children to end", () => !hung.some(isRunning));
    other.close();
  });

  test.each(["no-read", "no-flush"])("a file like %s that hangs later blocks only its own session", async (name) => {
    const agent = await started("release");
    const session = await agent.session();
    const fd = await session.descriptor(Op.open, open(name));
    const other = await agent.session();
    expect((await drain(await other.descriptor(Op.open, open("data")))).length).toBe(SIZE);
    fd.close();
    session.close();
    other.close();
    await target.stop();
    expect((await agent.ended).status).toBe(0);
  });
});
