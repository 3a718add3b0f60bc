import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  canEnterNamespaces,
  inCgroupOf,
  innerPid,
  parentOf,
  requireStartTime,
  startTime,
} from "../../src/descriptors/process.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { asUser, ORDINARY_USER } from "../helpers/machine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { childrenOf, isRunning, processName } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { temporaryDirectory } from "./fixtures.ts";
import { runScript } from "./run-script.ts";

const NOBODY = 2_147_483_647;

/** Starts a process that runs as long as the test. */
function sleeper(command: string, ...args: string[]): number {
  const child = spawn(command, args, { stdio: "ignore" });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return child.pid;
}

describe("a process", () => {
  test("has a start time and a parent, even with a name that looks like fields of its stat", async () => {
    const { copyFileSync } = await import("node:fs");
    const program = `${temporaryDirectory()}/x) S 1 (y z`;
    copyFileSync("/bin/sleep", program);
    const pid = sleeper(program, "600");
    await waitFor("it to run under its name", () => processName(pid) === "x) S 1 (y z");
    expect(parentOf(pid)).toBe(process.pid);
    const clock = Number(/^(\d+)/.exec(readFileSync("/proc/uptime", "utf8"))?.[1]) * 100;
    expect(Number(startTime(pid))).toBeGreaterThan(clock - 60_000);
    expect(Number(startTime(pid))).toBeLessThan(clock + 1000);
    expect(startTime(pid)).not.toBe(startTime(1));
  });

  test("is not found by the number of one of its threads", () => {
    expect(requireStartTime(process.pid)).toBe(startTime(process.pid));
    const thread = readdirSync("/proc/self/task")
      .map(Number)
      .find((id) => id !== process.pid) as number;
    expect(() => requireStartTime(thread)).toThrow(
      expect.objectContaining({
        ...{ code: "TARGET", errno: "ESRCH", message: `no such process: ${thread}` },
        hint: `it is a thread of process ${process.pid}`,
      }),
    );
  });

  test("that is a zombie has no start time", async () => {
    // The shell becomes sleep, which never waits for the shell's child.
    const parent = sleeper("sh", "-c", "sleep 0 & exec sleep 600");
    const zombie = await waitFor("a zombie", () => {
      const [child = 0] = childrenOf(parent);
      return child > 0 && processName(child) !== undefined && !isRunning(child) && child;
    });
    expect(startTime(zombie)).toBeUndefined();
    expect(parentOf(zombie)).toBe(parent);
  });

  test("that does not exist has no properties", () => {
    expect([
      startTime(NOBODY),
      parentOf(NOBODY),
      canEnterNamespaces(NOBODY),
      inCgroupOf(NOBODY, ""),
      innerPid(NOBODY),
    ]).toEqual([...[undefined, undefined, false, false, 1]]);
  });

  test("has a number in the innermost namespace", async () => {
    const target = await sandbox();
    expect([innerPid(target.pid), innerPid(process.pid)]).toEqual([1, process.pid]);
  });

  test("is only in its own control group", () => {
    const [first] = readFileSync("/proc/self/cgroup", "utf8").split("\n");
    expect(inCgroupOf(process.pid, first ?? "")).toBe(true);
    expect(inCgroupOf(process.pid, "f".repeat(64))).toBe(false);
  });

  test("of the same user may be entered", async () => {
    expect(canEnterNamespaces(process.pid)).toBe(true);
    expect(canEnterNamespaces((await sandbox()).pid)).toBe(true);
  });
});

describeAsRoot("an ordinary user", () => {
  test("may enter its own processes, but not root's", async () => {
    const source = `
      import { canEnterNamespaces } from "./process.ts";
      process.setgroups([]);
      process.setgid(${ORDINARY_USER});
      process.setuid(${ORDINARY_USER});
      console.log(process.argv.slice(2).map((pid) => canEnterNamespaces(Number(pid))).join(" "));
    `;
    const [command = "", ...args] = [...asUser(ORDINARY_USER), "sleep", "600"];
    const own = sleeper(command, ...args);
    await waitFor("the user id", () => /^Uid:\t64901\t/m.test(readFileSync(`/proc/${own}/status`, "utf8")));
    await waitFor("it to run sleep", () => processName(own) === "sleep");
    expect((await runScript(source, [String(process.pid), String(own)])).stdout.toString()).toBe("false true\n");
  });
});
