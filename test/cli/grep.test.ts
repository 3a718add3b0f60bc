import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { mkfifo } from "../../src/descriptors/files/file.ts";
import { describeWith } from "../helpers/availability.ts";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { childrenOf, isRunning } from "../helpers/processes.ts";
import { ripgrep, ripgrepProgram, withoutTimes } from "../helpers/ripgrep.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { numbered } from "../text/search/corpora.ts";
import { screenOfTest } from "../tui/screen.ts";

const someone = user();

const target = sandboxOfTests();
beforeAll(async () => {
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
  writeFileSync(`${at}/.gitignore`, "*.tmp\n!kept.tmp\n");
  writeFileSync(`${at}/logs/left.tmp`, "ignored foo\n");
  writeFileSync(`${at}/logs/kept.tmp`, "kept foo\n");
  writeFileSync(`${at}/logs/main.py`, "def foo():\n  pass\n");
  writeFileSync(`${at}/logs/utf16`, Buffer.from("\ufefffoo in UTF-16\n", "utf16le"));
  writeFileSync(`${at}/logs/bom`, "\ufefffoo behind a mark\n");
  writeFileSync(`${at}/logs/old.gz`, gzipSync("foo in gzip\n"));
  mkdirSync(`${at}/colours`);
  writeFileSync(`${at}/colours/app`, "1 \x1b[31mERR\x1b[0mOR: disk\n2 fine\n");
  writeFileSync(`${at}/colours/late`, `${"x\n".repeat(100_000)}3 \x1b[1mERROR\x1b[m: disk\n`);
  symlinkSync("logs/app.log", `${at}/link.log`);
  symlinkSync("logs", `${at}/linked`);
  mkfifo(`${at}/logs/fifo`);
});

/** Returns ripgrep's output for the same files, which it reads through /proc/PID/root. */
function expected(args: string[]): { lines: string[]; code: number | null; stderr: string } {
  const { stdout, stderr, code } = ripgrep(["--no-ignore-parent", "--sort=path", ...args], target.root);
  return { lines: withoutTimes(stdout.toString()).split("\n"), code, stderr: stderr.replace(/^rg: /gm, "porthole: ") };
}

/** Runs grep. The tests write targets in the sandbox as `srv/...`. */
async function porthole(
  args: string[],
  one = someone,
): Promise<{ lines: string[]; code: number | null; stderr: string }> {
  const inside = args.map((arg) => arg.replace(/^srv/, `pid:${target.pid}:/srv`));
  const { text, code, stderr } = await one.run(["grep", "--sort=path", ...inside]);
  const shorter = (all: string) => withoutTimes(all.replaceAll(`pid:${target.pid}:/srv`, "srv"));
  return { lines: shorter(text).split("\n"), code, stderr: shorter(stderr) };
}

describe("porthole grep through an agent", () => {
  test.for([
    ["foo", "srv/logs/app.log"],
    ["-n", "foo", "srv/logs/app.log", "srv/logs/deep/old.log"],
    ["-C2", "-n", "foo", "srv/logs/deep/old.log", "srv/logs/app.log"],
    ["-I", "foo", "srv/logs/app.log", "srv/logs/deep/old.log"],
    ["-Hc", "foo", "srv/logs/app.log"],
    ["-l", "foo", "srv/logs/app.log", "srv/logs/empty", "srv/logs/deep/old.log"],
    ["--files-without-match", "foo", "srv/logs/app.log", "srv/logs/empty"],
    ["-F", "-e", "foo", "-e", "nothing", "srv/logs/deep/old.log"],
    ["-i", "ÜBER", "srv/link.log", "srv/logs/deep/old.log"],
    ["-S", "über", "srv/logs/deep/old.log"],
    ["-v", "-m3", "foo", "srv/logs/app.log"],
    ["-o", "--color=always", "-n", "[0-9]+0 .*foo", "srv/logs/app.log", "srv/logs/deep/old.log"],
    ["--heading", "-n", "--stats", "foo", "srv/logs/app.log", "srv/logs/deep/old.log"],
    ["-P", "(?<=über )foo", "srv/logs/deep/old.log"],
    ["-U", "foo\\nnothing", "srv/logs/deep/old.log"],
    ["-r", "bar-$0", "foo", "srv/logs/deep/old.log"],
    ["--vimgrep", "o", "srv/logs/deep/old.log"],
    ["--passthru", "foo", "srv/logs/deep/old.log"],
    ["-z", "foo", "srv/logs/old.gz"],
    ["-c", "^foo", "srv/logs/utf16", "srv/logs/bom"],
    ["-E", "utf-16le", "-c", "foo", "srv/logs/utf16"],
    ["-a", "-o", "foo", "srv/logs/binary"],
    ["-0", "-l", "foo", "srv/logs/app.log"],
    ["nothing at all", "srv/logs/app.log"],
    ["-m0", "foo", "srv/logs/app.log"],
    ["--", "-foo", "srv/logs/app.log"],
    ["foo", "srv/logs/../logs/deep/old.log"],
    ["--json", "-A1", "foo", "srv/logs/app.log", "srv/logs/deep/old.log", "srv/logs/empty"],
    ["foo", "srv"],
    ["-n", "foo", "srv/"],
    ["-c", "foo", "srv/logs"],
    ["-l", "foo", "srv/linked/"],
    ["--hidden", "-c", "foo", "srv"],
    ["-uuu", "-l", "foo", "srv"],
    ["--no-ignore-vcs", "-l", "foo", "srv"],
    ["-L", "-l", "foo", "srv"],
    ["-g", "*.log", "-l", "foo", "srv"],
    ["-g", "!deep", "-l", "foo", "srv"],
    ["-t", "py", "foo", "srv"],
    ["-d1", "-l", "foo", "srv"],
    ["--max-filesize", "40", "-l", "foo", "srv"],
    ["--sortr", "path", "-l", "foo", "srv"],
    ["-q", "foo", "srv"],
    ["--files", "srv"],
    ["-B1", "-n", "last|hidden", "srv", "--hidden"],
    ["--stats", "foo", "srv/logs/deep", "srv/logs/app.log"],
    ["-t", "py", "foo", "srv", "srv/logs/deep/old.log"],
    ["-g", "!*.log", "-c", "foo", "srv/logs//deep/old.log", "srv/logs"],
    ["-l", "foo", "srv", "srv/logs/left.tmp"],
    ["-c", "tmp", "srv/.gitignore", "srv"],
    ["--engine", "auto", "foo", "srv/logs/deep/old.log"],
    ["--engine=pcre2", "(?<=über )foo", "srv/logs/deep/old.log"],
    ["-V"],
  ])("prints exactly the output of ripgrep: %j", async (args) => {
    const ours = await porthole(args);
    const theirs = expected(args);
    const exact = (lines: string[]) => lines.map((line) => line.replace(/"?bytes_printed"?:\d+|\d+ bytes printed/, ""));
    expect({ ...ours, lines: exact(ours.lines) }).toEqual({ ...theirs, lines: exact(theirs.lines) });
  });

  test("leaves its own options to porthole: --image, for an engine on another machine", async () => {
    expect(await porthole(["--image", "porthole:1", "-c", "last", "srv/logs/deep/old.log"])).toMatchObject({
      lines: ["1", ""],
      code: 0,
      stderr: "",
    });
  });

  test("treats grep's -h as ripgrep's -I, alone and in a cluster of letters", async () => {
    for (const option of ["-h", "-hn"])
      expect((await porthole([option, "last", "srv/logs"])).lines).toEqual(
        expected([option.replace("h", "I"), "last", "srv/logs"]).lines,
      );
  });

  test("searches text as a terminal shows it, and raw bytes with --raw", async () => {
    const shown = await porthole(["-n", "ERROR: disk", "srv/colours"]);
    expect(shown).toEqual({
      lines: ["srv/colours/app:1:1 ERROR: disk", "srv/colours/late:100001:3 ERROR: disk", ""],
      code: 0,
      stderr: "",
    });
    expect((await porthole(["ERROR: disk", "srv/colours/app"])).lines).toEqual(["1 ERROR: disk", ""]);
    expect(await porthole(["--raw", "-c", "ERROR: disk", "srv/colours"])).toMatchObject({ lines: [""], code: 1 });
  });

  test("suggests -a when a NUL byte hides matches", async () => {
    const { lines, stderr } = await porthole(["foo", "srv/logs/binary"]);
    expect(lines).toEqual(expected(["foo", "srv/logs/binary"]).lines);
    expect(stderr).toBe("porthole: binary file matches: it contains a NUL byte (use -a to search it as text)\n");
    expect((await porthole(["-a", "foo", "srv/logs/binary"])).stderr).toBe("");
  });

  test("expands globs inside containers, also for several targets", async () => {
    const { lines, stderr } = await porthole(["-c", "foo", "srv/logs/*.log", "srv/logs/d*/*"]);
    expect({ lines, stderr }).toEqual({ lines: ["srv/logs/app.log:12", "srv/logs/deep/old.log:2", ""], stderr: "" });
  });

  test("searches files whose names are not UTF-8 or look like options", async () => {
    mkdirSync(`${target.root}/srv/deeper`);
    const names = ["n\xff\xfe%d\n", "-e", "two words"];
    for (const name of names) writeFileSync(Buffer.from(`${target.root}/srv/deeper/${name}`, "latin1"), "odd foo\n");
    const { stdout, code } = await someone.run(["grep", "-l", "foo", `pid:${target.pid}:/srv/deeper/*`]);
    const found = stdout.toString("latin1").replaceAll(`pid:${target.pid}:/srv/deeper/`, "");
    expect({ code, found: names.filter((name) => !found.includes(name)) }).toEqual({ code: 0, found: [] });
  });

  test("searches files of /proc, which have no size", async () => {
    const status = await someone.run(["grep", "-x", "Name:\\s+\\w+", `pid:${target.pid}:/proc/1/status`]);
    expect(status).toMatchObject({ text: expect.stringMatching(/^Name:\t\S+\n$/), code: 0 });
  });

  test("searches more files than the descriptor limit in one run with one summary", async () => {
    const many = `${target.root}/srv/many`;
    mkdirSync(many, { recursive: true });
    for (let n = 0; n < 700; n++) writeFileSync(`${many}/${n}`, `${n} foo\n`);
    const limited = ["sh", "-c", 'ulimit -n 200; exec "$@"', "sh"];
    const run = (...args: string[]) =>
      someone.run(["grep", "--sort=path", ...args, `pid:${target.pid}:/srv/many`], { before: limited });
    const shorter = (text: string) => withoutTimes(text.replaceAll(`pid:${target.pid}:/srv`, "srv")).split("\n");
    const { stdout, ...counted } = await run("-c", "foo");
    expect({ ...counted, lines: shorter(stdout.toString()) }).toMatchObject({
      code: 0,
      stderr: "",
      lines: expected(["-c", "foo", "srv/many"]).lines,
    });
    const { data } = JSON.parse((await run("--json", "foo")).text.trim().split("\n").at(-1) ?? "");
    expect(data.stats).toMatchObject({ searches: 700, searches_with_match: 700, matches: 700 });
    expect((await run("nothing at all")).code).toBe(1);
  });
});

test.each([
  ["a file that does not exist", () => `pid:${target.pid}:/srv/none`],
  ["a pattern without matches", () => `pid:${target.pid}:/srv/none*`],
  ["a process that does not exist", () => "pid:2147483646:/x"],
])("grep --json and --stats print a summary of no searches for %s", async (_, operand) => {
  const json = await someone.run(["grep", "--json", "foo", operand()]);
  expect(json.code).toBe(2);
  expect(json.stderr).toMatch(/^porthole: [^\n]+\n$/);
  expect(JSON.parse(json.text)).toMatchObject({ type: "summary", data: { stats: { searches: 0, matches: 0 } } });
  const stats = await someone.run(["grep", "--stats", "foo", operand()]);
  expect(stats).toMatchObject({ code: 2, text: expect.stringContaining("\n0 files searched\n") });
  expect(await someone.run(["grep", "foo", operand()])).toMatchObject({ code: 2, text: "" });
});

test("grep does not open a FIFO by any of its names", async () => {
  const fifos = [`pid:${target.pid}:/srv/logs/fifo`, `${target.root}/srv/logs/fifo`];
  for (const fifo of fifos) {
    const { text, code, stderr } = await someone.run(["grep", "foo", fifo]);
    expect({ text, code }).toEqual({ text: "", code: 2 });
    expect(stderr).toContain(`would consume the pipe's data (use porthole cat --consume ${fifo}`);
  }
});

describe("the temporary directory of porthole grep", () => {
  const directories = () => {
    const place = `${someone.env.XDG_RUNTIME_DIR ?? ""}/porthole/grep`;
    const other = `${someone.env.XDG_STATE_HOME}/porthole/grep`;
    return [place, other].flatMap((path) =>
      existsSync(path) ? readdirSync(path).map((name) => `${path}/${name}`) : [],
    );
  };
  const hanging = async () => {
    const fifo = `${target.root}/tmp/${directories().length}-${process.hrtime.bigint()}`;
    mkfifo(fifo);
    // This process has both ends of the FIFO open, so /dev/stdin never ends.
    const running = someone.start(["grep", "foo", "/dev/stdin", `pid:${target.pid}:/srv/logs/empty`], {
      before: ["sh", "-c", 'exec "$@" 0<>"$0"', fifo],
    });
    await waitFor("the private directory", () => directories().length > 0);
    await waitFor("ripgrep", () => childrenOf(running.pid).length > 0);
    return running;
  };

  test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)(
    "is removed after %s, which ends grep like any other program",
    async (signal) => {
      const running = await hanging();
      const [ripgrep = 0] = childrenOf(running.pid);
      running.child.kill(signal);
      expect((await running.ended).signal).toBe(signal);
      expect(directories()).toEqual([]);
      await waitFor("ripgrep to end with porthole", () => !isRunning(ripgrep));
    },
  );

  test("is removed by the next search after SIGKILL, but not while another search runs", async () => {
    const killed = await hanging();
    const [ripgrep = 0] = childrenOf(killed.pid);
    killed.child.kill("SIGKILL");
    await killed.ended;
    // ripgrep's standard input never ends.
    await waitFor("ripgrep to end with porthole", () => !isRunning(ripgrep));
    expect(directories()).not.toEqual([]);
    const living = await hanging();
    await porthole(["foo", "srv/logs/app.log"]);
    expect(directories().filter((path) => path.includes(`/${killed.pid}-`))).toEqual([]);
    expect(directories().filter((path) => path.includes(`/${living.pid}-`))).toHaveLength(2);
    living.child.kill("SIGTERM");
    await living.ended;
  });
});

describe("porthole grep", () => {
  test.each([
    [
      ["foo", "srv/none", "srv/logs/deep/old.log"],
      2,
      ["srv/logs/deep/old.log:über foo"],
      /^porthole: .*srv\/none: No such file/,
    ],
    [["-q", "foo", "srv/none", "srv/logs/deep/old.log"], 0, [], /^porthole: .*srv\/none: No such file/],
    [["(", "srv/logs/app.log"], 2, [], /^porthole: regex parse error: .* error: unclosed group\n$/],
    [["a\\nb", "srv/logs/app.log"], 2, [], /^porthole: .*literal .* is not allowed.*\n$/],
    [
      ["foo"],
      2,
      [],
      /^porthole: no target to search \(porthole grep PATTERN TARGET\.\.\.; - searches standard input\)\n$/,
    ],
    [["-3", "foo", "srv"], 2, [], /^porthole: unrecognized option -3 \(write -C 3\)\n$/],
    [["--colour=always", "foo", "srv"], 2, [], /^porthole: unrecognized option --colour \(write --color\)\n$/],
    [["-A", "x", "foo", "srv"], 2, [], /^porthole: error parsing flag .*: value is not a valid number.*\n$/],
    [["--pre", "cat", "foo", "srv"], 2, [], /^porthole: --pre is not available: it would run a program/],
    [["--hostname-bin=x", "foo", "srv"], 2, [], /^porthole: --hostname-bin is not available/],
    [["--hyperlink-format", "default", "foo", "srv"], 2, [], /^porthole: --hyperlink-format is not available/],
    [["-t", "nonsense", "foo", "srv"], 2, [], /^porthole: unrecognized file type: nonsense\n$/],
    [["--nonsense", "foo", "srv"], 2, [], /^porthole: unrecognized flag --nonsense\n$/],
    [["-r", "foo", "web:/logs", "api:/logs"], 2, [], /^porthole: 'web:\/logs' is a target, but .*-r means --replace/],
    [["-E", "a|b", "./srv/logs", "srv"], 2, [], /^porthole: '.\/srv\/logs' is a target, but .*-E means --encoding/],
    [["-rn", "foo", "srv/logs"], 2, [], /^porthole: -rn would replace each match by 'n' \(-n: .*--replace=n /],
    [["--include=*.log", "foo", "srv"], 2, [], /^porthole: unrecognized option --include \(write -g GLOB\)\n$/],
    [["-R", "foo", "srv/logs"], 2, [], /^porthole: unrecognized option -R \(leave it out: /],
    [["-r", "foo", "srv/logs"], 2, [], /^porthole: no target to search \(.*-r means --replace/],
    [["foo", "-A"], 2, [], /^porthole: option -A needs a value\n$/],
    [["foo", "srv/logs/*.none"], 2, [], /^porthole: no such file/],
    [["foo", "pid:999999999:/x"], 2, [], /^porthole: /],
  ])("reports an error in one line with ripgrep's status: %j", async (args, status, first, words) => {
    const { lines, code, stderr } = await porthole(args);
    expect({ code, lines: lines.slice(0, first.length) }).toEqual({ code: status, lines: first });
    expect(stderr).toMatch(words);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("--help describes ripgrep's options and exit statuses, and -h is not --help", async () => {
    const { text } = await someone.run(["grep", "--help"]);
    expect(text).toContain("All options of ripgrep work");
    expect(text).toMatch(/Exit status:\n {2}0 {2}a line matched/);
  });

  test("ends without a message when its reader closes the pipe", async () => {
    const shell = ["bash", "-c", 'set -o pipefail; "$@" | head -n1', "sh"];
    const { text, stderr, code } = await someone.run(
      ["grep", "-j1", "line", `${target.root}/srv/logs/late binary`, `${target.root}/srv/logs/app.log`],
      {
        before: shell,
      },
    );
    expect({ text, stderr }).toEqual({ text: `${target.root}/srv/logs/late binary:1 line of the log\n`, stderr: "" });
    expect([0, 141]).toContain(code);
  });

  test("returns 141 when its reader closes the pipe of a large search, which ripgrep writes to itself", async () => {
    const large = `${target.root}/srv/large`;
    writeFileSync(large, "one line of a log\n".repeat(4_000_000));
    const before = ["bash", "-c", 'set -o pipefail; "$@" | head -n1', "sh"];
    const { text, stderr, code } = await someone.run(["grep", "line", `pid:${target.pid}:/srv/large`], { before });
    rmSync(large);
    expect({ text, stderr, code }).toEqual({ text: "one line of a log\n", stderr: "", code: 141 });
  });

  test("searches its standard input for - beside files of containers", async () => {
    const before = ["sh", "-c", 'echo foo in input | "$@"', "sh"];
    const file = `pid:${target.pid}:/srv/logs/deep/old.log`;
    const { text, stderr, code } = await someone.run(["grep", "foo", "-", file], { before });
    expect({ lines: text.split("\n").sort(), stderr, code }).toEqual({
      lines: ["", "<stdin>:foo in input", `${file}:last foo`, `${file}:über foo`],
      stderr: "",
      code: 0,
    });
  });
});

describe("porthole grep -z", () => {
  const compressed = spawnSync("zstd", ["-qc"], { input: "foo in zstd\n" }).stdout;

  test.runIf(compressed)("decompresses with zstd, which skips links", async () => {
    mkdirSync(`${target.root}/zstd`);
    writeFileSync(`${target.root}/zstd/old.zst`, compressed);
    const at = `pid:${target.pid}:/zstd`;
    const search = (...args: string[]) => someone.run(["grep", "-z", ...args]);
    expect(await search("foo", `${at}/old.zst`)).toMatchObject({ code: 0, stderr: "", text: "foo in zstd\n" });
    expect(await search("-c", "foo", at)).toMatchObject({ code: 0, stderr: "", text: `${at}/old.zst:1\n` });
  });
});

describeWith("tmux", "porthole grep on a terminal", () => {
  const screen = screenOfTest({ columns: 100, rows: 40 });

  test("prints ripgrep's headings, numbers and colours, and escapes control characters", async () => {
    writeFileSync(`${screen.directory}/a`, "one foo\ntwo\n\nfoo\tthree\n");
    writeFileSync(`${screen.directory}/b`, "four foo\n");
    screen.run(`${ripgrepProgram} --no-config --sort=path foo a b`);
    const theirs = await screen.waitFor("rg", "ended 1: 0");
    screen.run(`clear; ${process.execPath} ${builtCommand} grep --sort=path foo a b`);
    const ours = await screen.waitFor("grep", "ended 2: 0");
    const output = (text: string) => text.slice(text.search(/^a$/m), text.search(/^ended/m));
    expect(output(ours)).toBe(output(theirs));
    writeFileSync(`${screen.directory}/c`, "foo \x1b]0;title\x07 \u202e foo\r\n");
    screen.run(
      `clear; ${process.execPath} ${builtCommand} grep foo c; ${process.execPath} ${builtCommand} grep --json foo c`,
    );
    const shown = await screen.waitFor("the hostile line", "ended 3: 0");
    expect(shown).toContain("1:foo ^[]0;title^G <U+202E> foo");
    expect(shown.replaceAll("\n", "")).toContain("\\u001b]0;title\\u0007 \\u202e foo");
  });
});
