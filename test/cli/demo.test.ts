import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { procFile } from "../../src/descriptors/process.ts";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";
import { findProcesses } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/**
 * Finds the processes of the user's sandbox. unshare, its shells and the agent have the sandbox's
 * directory in their arguments or mounts.
 */
function sandboxOf({ directory }: User): number[] {
  return findProcesses(
    ({ pid, args }) =>
      args.some((arg) => arg.startsWith(`${directory}/`)) || procFile(pid, "mountinfo").includes(directory),
  );
}

const kept = ({ directory }: User) => readdirSync(`${directory}/state/porthole/agents`);

describeWith("userNamespaces", "the demo", () => {
  test("shows a file that exists only in the sandbox for the given time, and leaves no process running", async () => {
    const someone = user();
    const result = await someone.run(["demo", "--seconds", "1"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const lines = result.text.split("\n");
    expect(lines).toContain("Got file descriptor for '/mnt/web/app.log'");
    expect(result.text).toMatch(/^The file descriptor is \d+$/m);
    expect(lines).toContain("Following it for 1 s:");
    expect(result.text).toMatch(/\nThe descriptor came from another namespace\..*\n$/);
    expect(sandboxOf(someone)).toEqual([]);
    expect(kept(someone)).toEqual([]);
  });

  test("follows it through a rotation", async () => {
    const running = user().start(["demo", "--seconds", "600"]);
    let text = "";
    running.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await waitFor("a request after the rotation", () =>
      /^-- rotated: following the new file --\n(?:.*\n)*?\S+ [A-Z]+ request \d+ /m.test(text),
    );
    const requests = [...text.matchAll(/^\S+ [A-Z]+ request (\d+) (?:served|failed)/gm)].map(([, n]) => Number(n));
    expect(requests.length).toBeGreaterThan(12);
    expect(requests).toEqual(requests.map((_, index) => index + 1));
    running.child.kill("SIGTERM");
    expect(await running.ended).toEqual({ code: null, signal: "SIGTERM" });
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"] as const)(
    "leaves no process running when it ends by %s",
    async (signal) => {
      const someone = user();
      const running = someone.start(["demo", "--seconds", "600"]);
      let text = "";
      running.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      await waitFor("the first line", () => text.includes("INFO request 1 "));
      expect(sandboxOf(someone).length).toBeGreaterThan(2);
      running.child.kill(signal);
      expect(await running.ended).toEqual({ code: null, signal });
      expect(running.complaints()).toBe("");
      await waitFor("the sandbox to end", () => sandboxOf(someone).length === 0);
      if (signal !== "SIGKILL") expect(kept(someone)).toEqual([]);
    },
  );

  test("ends by SIGPIPE and leaves no process running when its reader closes the pipe", async () => {
    const someone = user();
    const command = `"$0" "$1" demo --seconds 600 | head -n 1; exit "\${PIPESTATUS[0]}"`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", command, process.execPath, builtCommand], {
      ...{ env: someone.env, encoding: "utf8", timeout: 150_000 },
    });
    expect(stdout).toMatch(/^The agent \(pid \d+\) runs in a sandbox with its own user, mount and PID namespace\./);
    expect([status, stderr]).toEqual([141, ""]);
    await waitFor("the sandbox to end", () => sandboxOf(someone).length === 0);
  });
});

test("the demo without unshare(1) reports the missing program, and leaves no files", async () => {
  const someone = user();
  const result = await someone.run(["demo", "--seconds", "1"], { env: { PATH: "/none" } });
  expect(result.stderr).toMatch(
    /^porthole: cannot start the sandbox: spawn unshare ENOENT \(install unshare\(1\) and mount\(8\), .*\)\n$/,
  );
  expect(result).toMatchObject({ code: 4, text: "" });
  expect([kept(someone), readdirSync(`${someone.directory}/state/porthole/mnt`)]).toEqual([[], ["agent"]]);
});
