import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { mkfifo } from "../../src/descriptors/file.ts";
import { describeWith } from "../helpers/availability.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { numbered } from "../text/grep/corpora.ts";
import { withoutTimes } from "../text/grep/run.ts";
import { TmuxScreen } from "../tui/screen.ts";

const someone = user();
let target: Sandbox;

beforeAll(async () => {
  target = await sandbox();
  const at = `${target.root}/srv`;
  mkdirSync(`${at}/logs/deep`, { recursive: true });
  mkdirSync(`${at}/.git`);
  writeFileSync(`${at}/logs/app.log`, numbered(3000, 250));
  writeFileSync(`${at}/logs/deep/old.log`, "über foo\nnothing\nlast foo");
  writeFileSync(`${at}/logs/empty`, "");
  writeFileSync(`${at}/logs/binary`, `foo one\n${"\0".repeat(9)}foo two\n`);
  writeFileSync(`${at}/logs/late binary`, `${numbered(9000, 100)}\0`);
  writeFileSync(`${at}/.hidden`, "hidden foo\n");
  writeFileSync(`${at}/.git/config`, "git foo\n");
  symlinkSync("logs/app.log", `${at}/link.log`);
  symlinkSync("logs", `${at}/linked`);
  mkfifo(`${at}/logs/fifo`);
});

/** What ripgrep finds in the same files from outside; its order among several files is not ours. */
function ripgrep(args: string[]): { lines: string[]; code: number | null } {
  const all = ["--no-config", "--no-mmap", "--no-ignore", "-j1", "--sort=path", ...args];
  const { stdout, status, error } = spawnSync("rg", all, { cwd: target.root, encoding: "utf8" });
  if (error) throw error;
  return { lines: withoutTimes(stdout).split("\n"), code: status };
}

/** Targets in the sandbox are written `srv/...`. */
async function porthole(args: string[]): Promise<{ lines: string[]; code: number | null; stderr: string }> {
  const inside = args.map((arg) => arg.replace(/^srv/, `pid:${target.pid}:/srv`));
  const { text, code, stderr } = await someone.run(["grep", ...inside]);
  const names = withoutTimes(text.replaceAll(`pid:${target.pid}:/srv`, "srv"));
  return { lines: names.split("\n"), code, stderr };
}

describeWith("ripgrep", "porthole grep through an agent", () => {
  test.for([
    ["foo", "srv/logs/app.log"],
    ["-n", "foo", "srv/logs/app.log", "srv/logs/deep/old.log"],
    ["-C2", "-n", "foo", "srv/logs/deep/old.log", "srv/logs/app.log"],
    ["-h", "foo", "srv/logs/app.log", "srv/logs/deep/old.log"],
    ["-Hc", "foo", "srv/logs/app.log"],
    ["-l", "foo", "srv/logs/app.log", "srv/logs/empty", "srv/logs/deep/old.log"],
    ["-F", "-e", "foo", "-e", "nothing", "srv/logs/deep/old.log"],
    ["-i", "ÜBER", "srv/link.log", "srv/logs/deep/old.log"],
    ["-v", "-m3", "foo", "srv/logs/app.log"],
    ["-o", "--color=always", "-n", "[0-9]+0 .*foo", "srv/logs/app.log", "srv/logs/deep/old.log"],
    ["foo", "srv/logs/binary"],
    ["-A1", "foo", "srv/logs/deep/old.log", "srv/logs/binary", "srv/logs/late binary"],
    ["-c", "foo", "srv/logs/binary", "srv/logs/late binary"],
    ["-a", "-o", "foo", "srv/logs/binary"],
    ["nothing at all", "srv/logs/app.log"],
    ["-m0", "foo", "srv/logs/app.log"],
    ["--", "-foo", "srv/logs/app.log"],
  ])("prints what ripgrep prints: %j", async (args) => {
    const { lines, code, stderr } = await porthole(args);
    // ripgrep's own letter for grep's -h.
    const theirs = args.map((arg) => (arg === "-h" ? "-I" : arg));
    expect({ lines, code, stderr }).toEqual({ ...ripgrep(theirs), stderr: "" });
  });

  test.for([
    ["foo", "srv"],
    ["-n", "foo", "srv/"],
    ["-c", "foo", "srv/logs"],
    ["-l", "foo", "srv/linked/"],
    ["--hidden", "-c", "foo", "srv"],
    ["-B1", "-n", "last|hidden", "srv", "--hidden"],
    ["foo", "srv/logs/deep", "srv/logs/app.log"],
  ])("searches directories as ripgrep does, but in their own order: %j", async (args) => {
    const ours = await porthole(args);
    const theirs = ripgrep(args);
    expect(ours.lines.sort()).toEqual(theirs.lines.sort());
    expect({ code: ours.code, stderr: ours.stderr }).toEqual({ code: theirs.code, stderr: "" });
  });

  test("writes ripgrep's JSON, counts of bytes included, but for the targets' names", async () => {
    const args = ["--json", "-A1", "foo", "srv/logs/app.log", "srv/logs/deep/old.log", "srv/logs/empty"];
    const shorter = (lines: string[]) => lines.map((line) => line.replace(/"bytes_printed":\d+/g, ""));
    expect(shorter((await porthole(args)).lines)).toEqual(shorter(ripgrep(args).lines));
  });

  test("takes globs inside, also those of several targets", async () => {
    const { lines, stderr } = await porthole(["-c", "foo", "srv/logs/*.log", "srv/logs/d*/*"]);
    expect({ lines, stderr }).toEqual({ lines: ["srv/logs/app.log:12", "srv/logs/deep/old.log:2", ""], stderr: "" });
  });

  test("streams from a FIFO and from /proc", async () => {
    const fed = await sandbox({ steps: ["fifo", "/tmp/fifo", "feed", "/tmp/fifo", "one foo\ntwo\nthree foo"] });
    const fifo = await someone.run(["grep", "-n", "foo", `pid:${fed.pid}:/tmp/fifo`]).catch((error: unknown) => error);
    expect(fifo).toMatchObject({ text: "1:one foo\n3:three foo\n", code: 0 });
    const status = await someone.run(["grep", "-x", "Name:\\s+\\w+", `pid:${target.pid}:/proc/1/status`]);
    expect(status).toMatchObject({ text: expect.stringMatching(/^Name:\t\S+\n$/), code: 0 });
  });
});

describeWith([], "porthole grep", () => {
  test.each([
    [
      ["foo", "srv/none", "srv/logs/deep/old.log"],
      2,
      ["srv/logs/deep/old.log:über foo"],
      /^porthole: .*srv\/none: No such file/,
    ],
    [["-q", "foo", "srv/none", "srv/logs/deep/old.log"], 0, [], /^porthole: .*srv\/none: No such file/],
    [["(", "srv/logs/app.log"], 2, [], /^porthole: '\(' is not a regular expression: Unterminated group\n$/],
    [["a\nb", "srv/logs/app.log"], 2, [], /a newline cannot be part of a line\n$/],
    [["foo"], 2, [], /^porthole: no target to search \(porthole grep PATTERN TARGET\.\.\.\)\n$/],
    [
      ["-A", "x", "foo", "srv"],
      2,
      [],
      /^porthole: option '-A, --after-context <lines>' argument 'x' is invalid\. It is not a number\.\n$/,
    ],
    [["--json", "-c", "foo", "srv"], 2, [], /^porthole: --json cannot be used with -c, -l or -o/],
    [["foo", "srv/logs/*.none"], 2, [], /^porthole: no such file/],
    [["foo", "pid:999999999:/x"], 2, [], /^porthole: /],
  ])("says what is wrong in one line, and ends as ripgrep does: %j", async (args, status, first, words) => {
    const { lines, code, stderr } = await porthole(args);
    expect({ code, lines: lines.slice(0, first.length) }).toEqual({ code: status, lines: first });
    expect(stderr).toMatch(words);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("--help tells of patterns and exit statuses, and -h is not it", async () => {
    const { text } = await someone.run(["grep", "--help"]);
    expect(text).toContain("JavaScript regular expressions");
    expect(text).toMatch(/Exit status:\n {2}0 {2}a line matched/);
  });

  test("ends quietly when its reader has seen enough", async () => {
    const shell = ["bash", "-c", 'set -o pipefail; "$@" | head -n1', "sh"];
    const { text, stderr, code } = await someone.run(
      ["grep", "line", `${target.root}/srv/logs/late binary`, `${target.root}/srv/logs/app.log`],
      {
        before: shell,
      },
    );
    expect({ text, stderr }).toEqual({ text: `${target.root}/srv/logs/late binary:1 line of the log\n`, stderr: "" });
    expect([0, 141]).toContain(code);
  });
});

describeWith(["tmux", "ripgrep"], "porthole grep on a terminal", () => {
  test("has ripgrep's headings, numbers and colours, and sends nothing that would do something", async () => {
    const screen = new TmuxScreen({ columns: 100, rows: 40 });
    try {
      writeFileSync(`${screen.directory}/a`, "one foo\ntwo\n\nfoo\tthree\n");
      writeFileSync(`${screen.directory}/b`, "four foo\n");
      screen.run("rg --no-mmap -j1 foo a b");
      const theirs = await screen.waitFor("rg", (text) => text.includes("ended 1: 0"));
      screen.run(`clear; ${process.execPath} ${builtCommand} grep foo a b`);
      const ours = await screen.waitFor("grep", (text) => text.includes("ended 2: 0"));
      const output = (text: string) => text.slice(text.search(/^a$/m), text.search(/^ended/m));
      expect(output(ours)).toBe(output(theirs));
      writeFileSync(`${screen.directory}/c`, "foo \x1b]0;title\x07 \u202e foo\r\n");
      screen.run(
        `clear; ${process.execPath} ${builtCommand} grep foo c; ${process.execPath} ${builtCommand} grep --json foo c`,
      );
      const shown = await screen.waitFor("the hostile line", (text) => text.includes("ended 3: 0"));
      expect(shown).toContain("1:foo ^[]0;title^G <U+202E> foo");
      expect(shown.replaceAll("\n", "")).toContain("\\u001b]0;title\\u0007 \\u202e foo");
    } finally {
      screen.close();
    }
  });
});
