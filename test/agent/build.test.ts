import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { VERSION } from "../../src/protocol/messages.ts";
import { describeWith } from "../helpers/availability.ts";
import { builtAgent, repository } from "../helpers/paths.ts";

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(builtAgent, args, { encoding: "utf8" });
  return { status, stdout, stderr };
}

describeWith("musl", "with musl", () => {
  test("the agent is at most 100 KB", () => {
    expect(statSync(builtAgent).size).toBeLessThanOrEqual(100_000);
  });
});

test("the agent is static: it runs in an image with nothing in it", () => {
  expect(readFileSync(builtAgent).includes("/lib64/ld-")).toBe(false);
});

test("the same sources make the same bytes in another directory", () => {
  const directory = mkdtempSync(`${tmpdir()}/porthole-build-`);
  onTestFinished(() => rmSync(directory, { recursive: true }));
  cpSync(`${repository}agent`, directory, { recursive: true, filter: (path) => !path.endsWith("/build") });
  const { status, stderr } = spawnSync("make", ["-s", "-C", directory], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  expect(readFileSync(`${directory}/build/porthole-agent`).equals(readFileSync(builtAgent))).toBe(true);
});

test("--version names the protocol and the build, --help every option", () => {
  expect(run("--version").stdout).toMatch(new RegExp(`^porthole-agent protocol ${VERSION} build [0-9a-f]{16}\\n$`));
  const { status, stdout } = run("--help");
  expect(status).toBe(0);
  for (const option of ["socket", "fd", "token-stdin", "target-pid", "target-start", "root", "idle", "join-user-ns"])
    expect(stdout).toContain(`--${option}`);
});

test.each([
  [[], "exactly one route is needed: mount, sidecar or direct"],
  [["sideways"], "exactly one route is needed: mount, sidecar or direct"],
  [["mount"], "exactly one of --socket and --fd is needed"],
  [["mount", "--fd", "3", "--socket", "/x"], "exactly one of --socket and --fd is needed"],
  [["direct", "--fd", "3"], "--target-pid is needed with route direct"],
  [["mount", "--fd", "2"], "--fd 2: a number from 3 to 1048576 is needed"],
  [["mount", "--idle", "0", "--fd", "3"], "--idle 0: a number from 1 to 604800 is needed"],
  [["mount", "--idle", "1x", "--fd", "3"], "--idle 1x: a number from 1 to 604800 is needed"],
  [["mount", "--wat"], "--wat: unknown, or lacks its value; --help lists the options"],
  [["mount", "--fd"], "--fd: unknown, or lacks its value; --help lists the options"],
  [
    ["sidecar", "--target-pid", "1", "--fd", "3", "--join-user-ns"],
    "--join-user-ns and --device-cgroup belong to route direct",
  ],
  [["mount", "--fd", "77"], "--fd 77: Bad file descriptor"],
  [
    ["mount", "--target-pid", "1", "--socket", "/nowhere/r.sock"],
    "connect to /nowhere/r.sock: No such file or directory",
  ],
  [["mount", "--socket", `/${"x".repeat(108)}`], `--socket /${"x".repeat(108)}: longer than 107 bytes`],
])("%j is refused in one line", (args, line) => {
  expect(run(...args)).toEqual({ status: 1, stdout: "", stderr: `porthole-agent: ${line}\n` });
});

test.each([
  ["", "--token-stdin: standard input ended before the token did"],
  ["ab\n", "--token-stdin: standard input ended before the token did"],
  [`${"g".repeat(64)}\n`, "--token-stdin: the token is 64 lower-case hex digits and a newline"],
  [`${"a".repeat(65)}`, "--token-stdin: no newline after the token"],
])("token %j is refused in one line", (input, line) => {
  const args = ["mount", "--token-stdin", "--socket", "/nowhere"];
  const { status, stderr } = spawnSync(builtAgent, args, { encoding: "utf8", input });
  expect([status, stderr]).toEqual([1, `porthole-agent: ${line}\n`]);
});
