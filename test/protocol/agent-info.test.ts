import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AgentInfo, decodeAgentInfo } from "../../src/protocol/agent-info.ts";
import { AgentInfoAt, MAX_BUILD_NAME, RouteNumber, VERSION } from "../../src/protocol/messages.ts";
import { agentInfo } from "./samples.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });

describe("agent info", () => {
  const honest: AgentInfo = {
    ...{ version: VERSION, route: "mount", pid: 1, uid: 2, gid: 3, capabilities: 0xffff_ffff_ffff_ffffn },
    ...{ started: 1_800_000_000, userNamespace: 4n, mountNamespace: 5n, clients: 6, memory: 7, targetPid: 8 },
    build: "0123456789abcdef",
  };

  test("has every field at its own offset, at any position", () => {
    const info: fc.Arbitrary<AgentInfo> = fc.record({
      ...{ version: fc.constant(VERSION), route: fc.constantFrom("mount", "sidecar", "direct"), pid: u32, uid: u32 },
      ...{ gid: u32, capabilities: u64, started: fc.maxSafeNat(), userNamespace: u64, mountNamespace: u64 },
      ...{ clients: u32, memory: u32, targetPid: u32 },
      build: fc.stringMatching(/^[0-9a-z]{0,64}$/),
    });
    fc.assert(
      fc.property(info, fc.nat({ max: 40 }), (one, before) => {
        const bytes = Buffer.concat([Buffer.alloc(before, 0xff), agentInfo(one)]);
        expect(decodeAgentInfo(bytes, before)).toEqual(one);
      }),
    );
  });

  test("truncated at any length, or longer than announced, is refused", () => {
    const bytes = agentInfo(honest);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeAgentInfo(bytes.subarray(0, length))).toThrow(`the agent's description has ${length} bytes`);
    }
    expect(() => decodeAgentInfo(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(
      "the agent's description has 81 bytes",
    );
  });

  test("with a build name beyond the limit is refused", () => {
    expect(decodeAgentInfo(agentInfo({ ...honest, build: "a".repeat(MAX_BUILD_NAME) })).build).toHaveLength(64);
    const long = agentInfo({ ...honest, build: "a".repeat(MAX_BUILD_NAME + 1) });
    expect(() => decodeAgentInfo(long)).toThrow("with a build name of 65");
  });

  test.each(["A", "\x1b[31m", "a b", "a\n", "\xff"])("with an invalid build name is refused: %j", (build) => {
    expect(() => decodeAgentInfo(agentInfo({ ...honest, build }))).toThrow("an invalid build name");
  });

  test.each([0, 4, 65_535])("with the route %i is refused", (route) => {
    expect(Object.values(RouteNumber)).not.toContain(route);
    const bytes = agentInfo(honest);
    bytes.writeUInt16LE(route, AgentInfoAt.route);
    expect(() => decodeAgentInfo(bytes)).toThrow(`route ${route}`);
  });

  test("of another version is refused before other fields are read, because their format may differ", () => {
    const other = expect.objectContaining({
      ...{ code: "ATTACH", errno: "EPROTO", hint: expect.stringContaining("porthole detach --all") },
      message: `protocol mismatch: the agent has version ${VERSION + 1}, this porthole ${VERSION}`,
    });
    const longer = Buffer.concat([agentInfo({ ...honest, version: VERSION + 1 }), Buffer.alloc(8, 0xff)]);
    expect(() => decodeAgentInfo(longer)).toThrow(other);
    expect(() => decodeAgentInfo(longer.subarray(0, 2))).toThrow(other);
  });
});
