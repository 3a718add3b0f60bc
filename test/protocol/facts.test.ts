import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AgentFacts, decodeAgentFacts, decodeFileClaim, decodeFileFacts } from "../../src/protocol/facts.ts";
import {
  AgentFactsAt,
  FactsFlag,
  FileFactsAt,
  MAX_BUILD_NAME,
  RouteNumber,
  VERSION,
} from "../../src/protocol/messages.ts";
import { agentFacts, fileFacts } from "./samples.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });

describe("file facts", () => {
  test("every field is read from its own place", () => {
    const time = fc.record({
      seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      ns: fc.integer({ min: 0, max: 999_999_999 }),
    });
    const device = fc.record({ major: u32, minor: u32 });
    const facts = fc.record({
      ...{ mode: u32, links: u32, uid: u32, gid: u32, size: u64, blocks: u64, inode: u64, device, rdev: device },
      ...{ mountId: u64, atime: time, mtime: time, ctime: time, btime: fc.option(time), relayed: fc.boolean() },
    });
    fc.assert(
      fc.property(facts, fc.nat({ max: 5 }), (one, before) => {
        const bytes = Buffer.alloc(before + FileFactsAt.size, 0);
        const view = new DataView(bytes.buffer, bytes.byteOffset + before);
        const word = (at: number, value: number) => view.setUint32(at, value, true);
        const long = (at: number, value: bigint) => view.setBigUint64(at, BigInt.asUintN(64, value), true);
        const moment = (at: number, ns: number, value: { seconds: bigint; ns: number }) => {
          long(at, value.seconds);
          word(ns, value.ns);
        };
        const at = FileFactsAt;
        for (const name of ["mode", "links", "uid", "gid"] as const) word(at[name], one[name]);
        for (const name of ["blocks", "inode", "mountId"] as const) long(at[name], one[name]);
        long(at.bytes, one.size);
        word(at.deviceMajor, one.device.major);
        word(at.deviceMinor, one.device.minor);
        word(at.rdevMajor, one.rdev.major);
        word(at.rdevMinor, one.rdev.minor);
        moment(at.atime, at.atimeNs, one.atime);
        moment(at.mtime, at.mtimeNs, one.mtime);
        moment(at.ctime, at.ctimeNs, one.ctime);
        if (one.btime) moment(at.btime, at.btimeNs, one.btime);
        word(at.flags, (one.relayed ? FactsFlag.relayed : 0) | (one.btime ? FactsFlag.birthTime : 0));
        const ns = (value: { seconds: bigint; ns: number }) => value.seconds * 1_000_000_000n + BigInt(value.ns);
        expect(decodeFileFacts(bytes, before)).toEqual({
          ...one,
          ...{ atime: ns(one.atime), mtime: ns(one.mtime), ctime: ns(one.ctime) },
          btime: one.btime ? ns(one.btime) : undefined,
        });
        expect(decodeFileClaim(bytes.subarray(before))).toEqual({
          ...{ mode: one.mode, inode: one.inode, relayed: one.relayed, consuming: false },
          ...{ rdevMajor: one.rdev.major, rdevMinor: one.rdev.minor },
        });
      }),
    );
  });

  test.each([FileFactsAt.flags, FileFactsAt.flags + 3, FileFactsAt.zero, FileFactsAt.zero + 3])(
    "an unknown bit in byte %i is refused",
    (at) => {
      const bytes = fileFacts({});
      bytes[at] = 0x80;
      expect(() => decodeFileFacts(bytes)).toThrow("unknown file flags");
      expect(() => decodeFileClaim(bytes)).toThrow("unknown file flags");
    },
  );
});

describe("agent facts", () => {
  const honest: AgentFacts = {
    ...{ version: VERSION, route: "mount", pid: 1, uid: 2, gid: 3, capabilities: 0xffff_ffff_ffff_ffffn },
    ...{ started: 1_800_000_000, userNamespace: 4n, mountNamespace: 5n, clients: 6, memory: 7, targetPid: 8 },
    build: "0123456789abcdef",
  };

  test("every field is read from its own place, at any offset", () => {
    const facts: fc.Arbitrary<AgentFacts> = fc.record({
      ...{ version: fc.constant(VERSION), route: fc.constantFrom("mount", "sidecar", "direct"), pid: u32, uid: u32 },
      ...{ gid: u32, capabilities: u64, started: fc.maxSafeNat(), userNamespace: u64, mountNamespace: u64 },
      ...{ clients: u32, memory: u32, targetPid: u32 },
      build: fc.stringMatching(/^[0-9a-z]{0,64}$/),
    });
    fc.assert(
      fc.property(facts, fc.nat({ max: 40 }), (one, before) => {
        const bytes = Buffer.concat([Buffer.alloc(before, 0xff), agentFacts(one)]);
        expect(decodeAgentFacts(bytes, before)).toEqual(one);
      }),
    );
  });

  test("cut off at any length, or longer than they say, are refused", () => {
    const bytes = agentFacts(honest);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeAgentFacts(bytes.subarray(0, length))).toThrow(`the agent's description has ${length} bytes`);
    }
    expect(() => decodeAgentFacts(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(
      "the agent's description has 81 bytes",
    );
  });

  test("a build name beyond the limit is refused", () => {
    expect(decodeAgentFacts(agentFacts({ ...honest, build: "a".repeat(MAX_BUILD_NAME) })).build).toHaveLength(64);
    const long = agentFacts({ ...honest, build: "a".repeat(MAX_BUILD_NAME + 1) });
    expect(() => decodeAgentFacts(long)).toThrow("with a build name of 65");
  });

  test.each(["A", "\x1b[31m", "a b", "a\n", "\xff"])("a build name that is none is refused: %j", (build) => {
    expect(() => decodeAgentFacts(agentFacts({ ...honest, build }))).toThrow("an invalid build name");
  });

  test.each([0, 4, 65_535])("route %i is refused", (route) => {
    expect(Object.values(RouteNumber)).not.toContain(route);
    const bytes = agentFacts(honest);
    bytes.writeUInt16LE(route, AgentFactsAt.route);
    expect(() => decodeAgentFacts(bytes)).toThrow(`route ${route}`);
  });

  test("another version is told before anything else is looked at: its facts may have another form", () => {
    const other = expect.objectContaining({
      ...{ code: "ATTACH", errno: "EPROTO", hint: expect.stringContaining("porthole detach --all") },
      message: `protocol mismatch: the agent has version ${VERSION + 1}, this porthole ${VERSION}`,
    });
    const longer = Buffer.concat([agentFacts({ ...honest, version: VERSION + 1 }), Buffer.alloc(8, 0xff)]);
    expect(() => decodeAgentFacts(longer)).toThrow(other);
    expect(() => decodeAgentFacts(longer.subarray(0, 2))).toThrow(other);
  });
});
