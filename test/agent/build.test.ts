import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
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
  test("the agent has at most 120 KB", () => {
    expect(statSync(builtAgent).size).toBeLessThanOrEqual(120_000);
  });
});

test("the agent is static and runs in an empty image", () => {
  expect(readFileSync(builtAgent).includes("/lib64/ld-")).toBe(false);
});

test("the same sources give the same bytes in other directories, and with other dates, names, languages and modes", () => {
  const directory = mkdtempSync(`${tmpdir()}/porthole-${"x".repeat(40)}build-`);
  onTestFinished(() => rmSync(directory, { recursive: true }));
  cpSync(`${repository}agent`, directory, { recursive: true, filter: (path) => !/\/(build|prebuilt)$/.test(path) });
  for (const name of readdirSync(directory)) {
    utimesSync(`${directory}/${name}`, 0, 1_000_000_000);
    chmodSync(`${directory}/${name}`, 0o600);
  }
  const env = { LANG: "tr_TR.UTF-8", LC_ALL: "C.UTF-8", TZ: "Pacific/Kiritimati", USER: "other", HOME: "/" };
  const { status, stderr } = spawnSync("make", ["-s", "-C", directory], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  expect([status, stderr]).toEqual([0, ""]);
  expect(sha256(`${directory}/build/porthole-agent`)).toBe(sha256(builtAgent));
  // A local path in the program would make it differ.
  const text = readFileSync(builtAgent, "latin1");
  expect(text).not.toContain(repository);
  // glibc itself contains /tmp.
  expect(text).not.toContain(`${tmpdir()}/`);
});

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

test("--version prints the protocol and the build, --help prints every option", () => {
  expect(run("--version").stdout).toMatch(new RegExp(`^porthole-agent protocol ${VERSION} build [0-9a-f]{16}\\n$`));
  const { status, stdout } = run("--help");
  expect(status).toBe(0);
  for (const option of ["socket", "fd", "token-stdin", "target-pid", "target-start", "root", "idle", "join-user-ns"])
    expect(stdout).toContain(`--${option}`);
});

test.each([
  [[], "expected one route: mount, sidecar or direct"],
  [["sideways"], "expected one route: mount, sidecar or direct"],
  [["mount"], "expected either --socket or --fd"],
  [["mount", "--fd", "3", "--socket", "/x"], "expected either --socket or --fd"],
  [["direct", "--fd", "3"], "missing --target-pid (required by route direct)"],
  [["mount", "--fd", "2"], "--fd 2: expected a number from 3 to 1048576"],
  [["mount", "--idle", "0", "--fd", "3"], "--idle 0: expected a number from 1 to 604800"],
  [["mount", "--idle", "1x", "--fd", "3"], "--idle 1x: expected a number from 1 to 604800"],
  [["mount", "--wat"], "--wat: unknown option or missing value (see --help)"],
  [["mount", "--fd"], "--fd: unknown option or missing value (see --help)"],
  [
    ["sidecar", "--target-pid", "1", "--fd", "3", "--join-user-ns"],
    "--join-user-ns and --device-cgroup: only allowed with route direct",
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
  ["", "--token-stdin: truncated token"],
  ["ab\n", "--token-stdin: truncated token"],
  [`${"g".repeat(64)}\n`, "--token-stdin: expected 64 lower-case hex digits and a newline"],
  [`${"a".repeat(65)}`, "--token-stdin: no newline after the token"],
])("token %j is refused in one line", (input, line) => {
  const args = ["mount", "--token-stdin", "--socket", "/nowhere"];
  const { status, stderr } = spawnSync(builtAgent, args, { encoding: "utf8", input });
  expect([status, stderr]).toEqual([1, `porthole-agent: ${line}\n`]);
});
