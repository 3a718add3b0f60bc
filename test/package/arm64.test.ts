import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { encode } from "../../src/protocol/codec.ts";
import { decodeFileStat } from "../../src/protocol/file-stat.ts";
import { Op } from "../../src/protocol/messages.ts";
import { expectTable } from "../agent/filter-table.ts";
import { bytes, drain, startAgent } from "../helpers/agent.ts";
import { describeWith } from "../helpers/availability.ts";
import { EMULATOR } from "../helpers/machine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { builtAgent, repository } from "../helpers/paths.ts";

const agents = { x64: "", arm64: "" };
for (const name of ["x64", "arm64"] as const) agents[name] = `${repository}agent/prebuilt/${name}/porthole-agent`;

describeWith(["musl", "arm64"], "the agents of the package", () => {
  beforeAll(() => {
    const { status, stderr } = spawnSync(`${repository}scripts/prebuild-agents.sh`, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    expect(Object.values(agents).every(existsSync)).toBe(true);
  });

  const emulated = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(EMULATOR, [agents.arm64, ...args], { encoding: "utf8" });
    return { status, stdout, stderr };
  };

  test("have the same version on both architectures", () => {
    const { stdout } = spawnSync(builtAgent, ["--version"], { encoding: "utf8" });
    expect(spawnSync(agents.x64, ["--version"], { encoding: "utf8" }).stdout).toBe(stdout);
    expect(emulated("--version")).toEqual({ status: 0, stdout, stderr: "" });
  });

  test("have the same message layout", () => {
    const { stdout } = spawnSync(builtAgent, ["--layout"], { encoding: "utf8" });
    expect(stdout).toContain("agent_info.size 64\n");
    expect(emulated("--layout")).toEqual({ status: 0, stdout, stderr: "" });
  });

  test("refuse wrong usage in one line on arm64", () => {
    expect(emulated("sideways")).toEqual({
      status: 1,
      stdout: "",
      stderr: "porthole-agent: expected one route: mount, sidecar or direct\n",
    });
  });

  test("filter the system calls of arm64, and kill a process that uses another table", () => {
    const specs = `-specs=${repository}agent/build/cross/musl-arm64.specs`;
    expectTable("arm64", ["aarch64-linux-gnu-gcc", specs], [EMULATOR]);
  });

  async function startEmulated(program: string) {
    const target = await sandbox({ userNamespace: process.getuid?.() !== 0 });
    onTestFinished(() => target.stop());
    writeFileSync(`${target.root}/file`, "from another processor\n");
    return startAgent({ through: [EMULATOR, program], args: ["direct", "--target-pid", String(target.pid)] });
  }

  test("do not serve on arm64 if a required feature is missing, as in an emulator", async () => {
    await expect(startEmulated(agents.arm64)).rejects.toThrow(/^porthole-agent: .*(openat2|seccomp)/);
  });

  // Debian 12's emulator (7.2) does not support openat2(2); .ci/run gets a later version. No
  // emulator supports seccomp(2).
  const emulator = spawnSync(EMULATOR, ["--version"], { encoding: "utf8" });
  if (Number(/version (\d+)/.exec(emulator.stdout)?.[1]) >= 10)
    test("serve a session on arm64 without the system call filter, and pass a descriptor", async () => {
      const agent = await startEmulated(withoutFilter());
      const session = await agent.session();
      const { descriptors, body } = await session.must(Op.open, encode.open(0, 0n, bytes("/file")));
      expect(decodeFileStat(body)).toMatchObject({ size: 23n, relayed: false });
      expect((await drain(descriptors[0] as OwnedFd)).toString()).toBe("from another processor\n");
      session.close();
      await agent.stop();
    });
});

/**
 * Builds the same sources with the same compiler and C library, linked so that seccomp(2) seems to
 * succeed.
 */
function withoutFilter(): string {
  const out = `${inject("machine").directory}/arm64`;
  const specs = `${repository}agent/build/cross/musl-arm64.specs`;
  const compiler = `aarch64-linux-gnu-gcc -specs=${specs} -Wl,--wrap=syscall ${repository}test/fixtures/without-seccomp.c`;
  const args = ["-s", "-C", `${repository}agent`, `OUT=${out}`, `CC=${compiler}`, `${out}/porthole-agent`];
  const { status, stderr } = spawnSync("make", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return `${out}/porthole-agent`;
}
