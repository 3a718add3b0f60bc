import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync } from "node:fs";
import { beforeAll, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { EMULATOR } from "../helpers/machine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { builtAgent, repository } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";

/** From scripts/arm64-node.sh. */
const directory = process.env.PORTHOLE_ARM64_NODE;

/**
 * Runs the command with its packages for arm64 in an emulator. The agent is this machine's own: the
 * emulated process starts it through this kernel. arm64.test.ts tests the agent for arm64.
 */
describeWith(["root", "arm64Node"], "the command on an emulated arm64 Node.js", () => {
  let by: User;
  let installation: string;
  const run = (...args: string[]) => {
    const node = [EMULATOR, "-L", `${directory}/root`, `${directory}/root/usr/bin/node`];
    const [program = "", ...rest] = [...node, `${installation}/dist/porthole.js`, ...args];
    const { status, stdout, stderr } = spawnSync(program, rest, { env: by.env, encoding: "utf8" });
    return { status, stdout, stderr };
  };

  beforeAll(() => {
    by = user();
    installation = `${inject("machine").directory}/arm64`;
    for (const name of ["dist", "package.json"])
      cpSync(`${repository}${name}`, `${installation}/${name}`, { recursive: true });
    cpSync(`${directory}/node_modules`, `${installation}/node_modules`, { recursive: true });
    mkdirSync(`${installation}/agent/prebuilt/arm64`, { recursive: true });
    copyFileSync(builtAgent, `${installation}/agent/prebuilt/arm64/porthole-agent`);
  });

  test("prints its version, and doctor names the processor", () => {
    expect(run("--version")).toEqual({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: "" });
    expect(run("doctor").stdout).toMatch(/^ok {4}kernel: Linux \S+ arm64: openat2/m);
  });

  test("receives descriptors and lists a directory", async () => {
    const { pid } = await sandbox({ steps: ["dir", "/tmp/d", "write", "/tmp/d/f", "text"] });
    expect(run("cat", `pid:${pid}:/tmp/d/f`)).toEqual({ status: 0, stdout: "text\n", stderr: "" });
    expect(run("ls", `pid:${pid}:/tmp/d`)).toEqual({ status: 0, stdout: "f\n", stderr: "" });
  });
});
