import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { describeAsRoot } from "../helpers/availability.ts";
import { sandbox, sandboxOfTests } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { hostTool, zone } from "./host-tools.ts";

const someone = user();

/** Ages in seconds, each half a minute from the end of a minute or day. */
const ages = [
  ["now.log", 0],
  ["hour.log", 3600 + 30],
  ["day.LOG", 86_400 + 30],
  ["week.log", 7 * 86_400 - 30],
] as const;

const place = sandboxOfTests({ steps: ["dir", "/f"] });
beforeAll(async () => {
  const at = `${place.root}/f`;
  for (const directory of ["a/b/c/d", ".git/objects", "node_modules/x"])
    fs.mkdirSync(`${at}/${directory}`, { recursive: true });
  for (const size of [0, 1, 511, 512, 513, 1024, 1025, 1 << 20, (1 << 20) + 1]) {
    fs.writeFileSync(`${at}/a/size-${size}`, "");
    fs.truncateSync(`${at}/a/size-${size}`, size);
  }
  for (const [name] of ages) fs.writeFileSync(`${at}/a/b/${name}`, "x");
  for (const path of [
    "a/b/c/d/deep.ts",
    "node_modules/x/lib.ts",
    ".git/objects/x.ts",
    "new\nline.ts",
    "-name",
    "é.ts",
    "[x]*",
  ])
    fs.writeFileSync(`${at}/${path}`, "");
  fs.writeFileSync(Buffer.from(`${at}/\xff.ts`, "latin1"), "");
  fs.symlinkSync("..", `${at}/a/up`);
  fs.symlinkSync("nowhere", `${at}/broken`);
  spawnSync("mkfifo", [`${at}/fifo`]);
});

// Set the ages before each test, so that both tools see the same ages even after slow tests.
beforeEach(() => {
  const now = Math.floor(Date.now() / 1000);
  for (const [name, seconds] of ages) fs.utimesSync(`${place.root}/f/a/b/${name}`, now, now - seconds);
});

const sorted = (text: string) => text.split("\n").sort();

describe("find against GNU find on the same directory", () => {
  test.each([
    [],
    ["-name", "*.log"],
    ["-name", "*.ts", "-o", "-name", "f"],
    ["-iname", "*.log"],
    ["-name", "[[]x[]]*"],
    ["-name", "\\[x\\]\\*"],
    ["-name", ".*"],
    ["-name", "*git"],
    ["-path", "*/b/*.log"],
    ["-ipath", "*/B/*.log"],
    ["-path", "/f/a*"],
    ["-not", "-path", "*/a/*"],
    ...["f", "d", "l", "p", "f,l", "s", "b,c"].map((type) => ["-type", type]),
    ...["0", "1", "+1", "-2", "1k", "-1k", "+0c", "512c", "1M", "-1M", "+1M", "1G", "3w", "2b"].map((size) => [
      "-type",
      "f",
      "-size",
      size,
    ]),
    ...["-mmin -30", "-mmin +30", "-mmin 61", "-mtime 0", "-mtime 1", "-mtime +1", "-mtime -7", "-mtime 6"].map(
      (text) => ["-name", "*.[lL]*", ...text.split(" ")],
    ),
    // The owner in the sandbox has another number outside, unless root runs this.
    ...(process.getuid?.() === 0 ? ["-uid 0", "-uid +0", "-gid -1"] : ["-uid +4294967294"]).map((text) =>
      text.split(" "),
    ),
    ...["-perm 644", "-perm -222", "-perm /111", "-perm /0", "-perm 0"].map((text) => text.split(" ")),
    ["-newermt", "2 hours ago", "-type", "f"],
    ["-not", "-newermt", "yesterday", "-type", "f"],
    ["-newermt", "2001-02-03 04:05:06"],
    ["-newermt", "@1700000000", "-maxdepth", "1"],
    ["-maxdepth", "0"],
    ["-maxdepth", "2", "-mindepth", "2"],
    ["-mindepth", "4"],
    ["-name", "node_modules", "-prune", "-o", "-name", "*.ts", "-print"],
    ["(", "-name", ".git", "-o", "-name", "a", ")", "-prune", "-o", "-type", "f", "-print"],
    ["!", "-name", "*.ts", "!", "-type", "d"],
    ["-type", "f", "-a", "-not", "(", "-name", "*.ts", "-o", "-size", "0", ")"],
    ["-name", "a", "-print", "-o", "-name", "b", "-print"],
    ["-print", "-name", "a", "-print"],
    ["-xdev", "-name", "d*"],
  ])("%j", async (...expression) => {
    const { stdout, code, stderr } = await someone.run(["find", "--bare", `pid:${place.pid}:/f`, ...expression], {
      env: zone,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const gnu = hostTool(
      "find",
      [`${place.root}/f`, ...expression.map((word) => (word.startsWith("/f") ? place.root + word : word))],
      "/",
    );
    expect(sorted(stdout.toString("latin1"))).toEqual(sorted(gnu.replaceAll(place.root, "")));
  });
});

describeAsRoot("find in a directory with thousands of files", () => {
  const at = `/many`;
  /** Puts a find(1) before the local find on the PATH. */
  const withFind = (script: string) => {
    const directory = `${someone.directory}/${script.length}`;
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(`${directory}/find`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { ...zone, PATH: `${directory}:${process.env.PATH}` };
  };

  beforeAll(() => {
    fs.mkdirSync(place.root + at);
    for (let number = 0; number < 2_100; number++) fs.writeFileSync(`${place.root}${at}/${number}`, "");
    fs.cpSync(`${place.root}/f/a`, `${place.root}${at}/a`, { recursive: true, verbatimSymlinks: true });
    for (const path of ["skip/below", "skipped", "x", "\n"])
      fs.mkdirSync(`${place.root}${at}/b/${path}`, { recursive: true });
    for (const name of ["\xff", "new\nline", "-name", "[x]*", "\xc3\xa9"])
      for (const directory of ["b/skip/below", "b/skipped", "b/\n"])
        fs.writeFileSync(Buffer.from(`${place.root}${at}/${directory}/${name}`, "latin1"), "content");
    spawnSync("mkfifo", [`${place.root}${at}/b/fifo`]);
    fs.symlinkSync(at, `${place.root}/many-link`);
  });

  test.each([
    [],
    ["-size", "+3c"],
    ["-newermt", "yesterday", "-type", "f,p,l"],
    ["-path", `${at}/b/*/[!a-z]*`],
    ["-maxdepth", "2"],
    ["-maxdepth", "3", "-mindepth", "3"],
    ["-name", "skip", "-prune", "-o", "-print0"],
    ["-xdev", "-type", "d"],
  ] as string[][])("walks a tree with the same output as GNU find: %j", async (...expression) => {
    const log = `${someone.directory}/log`;
    fs.rmSync(log, { force: true });
    const env = withFind(`echo >> ${log}; exec ${hostTool("sh", ["-c", "command -v find"], "/").trim()} "$@"`);
    const ours = await someone.run(["find", "--bare", `pid:${place.pid}:${at}`, ...expression], { env });
    expect(ours).toMatchObject({ code: 0, stderr: "" });
    expect(fs.existsSync(log)).toBe(true);
    const words = expression.map((word) => (word.startsWith(at) ? place.root + word : word));
    const gnu = hostTool("find", [`${place.root}${at}`, ...words], "/").replaceAll(place.root, "");
    const end = expression.includes("-print0") ? "\0" : "\n";
    expect(ours.stdout.toString("latin1").split(end).sort()).toEqual(gnu.split(end).sort());
  });

  test.each([
    ["cannot do what is asked of it", 'echo "find: unrecognized: -printf" >&2; exit 1'],
    ["is killed before it reports anything", "kill -9 $$"],
  ])("lists with the agent if the local find %s", async (_, script) => {
    const args = ["find", "--bare", `pid:${place.pid}:/many-link/`, "-not", "-name", "[0-9]*"];
    const [expected, ours] = [await someone.run(args), await someone.run(args, { env: withFind(script) })];
    expect(ours).toMatchObject({ code: 0, stderr: "" });
    expect(sorted(ours.stdout.toString("latin1"))).toEqual(sorted(expected.stdout.toString("latin1")));
    expect(ours.text).toContain("/many-link/b/skip/below/new\nline\n");
  });

  test("reports each path that find could not read in one line, and prints the rest", async () => {
    const script = 'printf \'d0 %s\\0f1 %s/x\\0\' "$1" "$1"; echo "find: \'$1/y\': Input/output error" >&2; exit 1';
    const { text, stderr, code } = await someone.run(["find", "--bare", `pid:${place.pid}:${at}`, "-name", "[xy]"], {
      env: withFind(script),
    });
    expect(code).toBe(1);
    expect(text).toMatch(/^\/many\/[ab]\/x\n$/);
    expect(stderr).toMatch(/^porthole: cannot list pid:\d+:\/many\/[ab]\/y: Input\/output error\n$/);
  });
});

describe("find", () => {
  const run = (...words: string[]) => someone.run(["find", ...words]);
  const at = (path: string) => `pid:${place.pid}:${path}`;

  test("prints targets that other commands accept, for any name", async () => {
    const { stdout } = await run(at("/f"), "-type", "f", "-name", "[!s]*", "-print0");
    const targets = stdout.toString("latin1").split("\0").slice(0, -1);
    expect(targets).toContain(at("/f/new\nline.ts"));
    expect(targets).toContain(at("/f/[x]*"));
    const xargs = spawnSync("xargs", ["-0", process.execPath, builtCommand, "cat"], {
      input: stdout,
      env: someone.env,
      encoding: "latin1",
    });
    expect(xargs).toMatchObject({ status: 0, stderr: "", stdout: "xxxx" });
  });

  test("takes several targets and globs, with --bare and --json", async () => {
    expect((await run("--bare", at("/f/a/b/*.log"), "/proc/self/stat")).text).toBe(
      "/f/a/b/hour.log\n/f/a/b/now.log\n/f/a/b/week.log\n/proc/self/stat\n",
    );
    const [record] = (await run("--json", at("/f/a"), "-size", "512c")).text
      .split("\n")
      .map((line) => line && JSON.parse(line));
    expect(record).toMatchObject({ target: at("/f/a/size-512"), name: "size-512", kind: "file", size: 512 });
  });

  test("does not enter a mount with -xdev", async () => {
    const mounted = await sandbox({ steps: ["tmpfs", "/tmp", "write", "/tmp/x", "x"] });
    const names = async (...words: string[]) =>
      sorted((await run("--bare", `pid:${mounted.pid}:/tmp/..`, "-name", "[xt]*", ...words)).text);
    expect(await names("-not", "-path", "*/proc/*")).toContain("/tmp/../tmp/x");
    const inside = await names("-xdev");
    expect(inside).toContain("/tmp/../tmp");
    expect(inside).not.toContain("/tmp/../tmp/x");
    await mounted.stop();
  });

  test("continues after a target that fails and returns 1", async () => {
    const { code, text, stderr } = await run("--bare", at("/nope"), at("/f/*.none"), at("/f/a/b/c"));
    expect({ code, text }).toEqual({ code: 1, text: "/f/a/b/c\n/f/a/b/c/d\n/f/a/b/c/d/deep.ts\n" });
    expect(stderr.split("\n")).toEqual([
      `porthole: cannot stat ${at("/nope")}: No such file or directory`,
      `porthole: no such file: '${at("/f/*.none")}' matches nothing`,
      "",
    ]);
  });

  test.each([
    [["-nmae", "x"], /unknown predicate -nmae \(supported: -name .*\)$/],
    [["-name"], /-name needs a value$/],
    [["-type", "x"], /invalid -type 'x': use f, d, .*$/],
    [["-size", "1Q"], /invalid -size '1Q': use N/],
    [["-newermt", "soon"], /invalid time 'soon' \(use .*\)$/],
    [["-newermt", "2026-02-30"], /invalid time '2026-02-30'/],
    [["(", "-name", "x"], /missing '\)' after '\('$/],
    [["-name", "x", ")"], /unexpected '\)'$/],
    [["-name", "x", "-o"], /missing expression after '-o'$/],
    [["-maxdepth", "-1"], /invalid -maxdepth '-1': use a number of levels$/],
    [["-perm", "u+s"], /invalid -perm 'u\+s': use octal digits, such as 644, -222 or \/6000$/],
    [["-user", "www"], /-user is not supported \(use -uid and a number\)$/],
    [["-ls"], /-ls is not supported \(use porthole find --json TARGET\)$/],
    [["-delete"], /-delete is not supported: porthole only reads \(use -print0 and xargs -0\)$/],
    [["-name", "x", "--bare"], /--bare follows a target \(put porthole's options before the first target\)$/],
  ])("refuses %j in one line", async (expression, message) => {
    const { code, text, stderr } = await run(at("/f"), ...expression);
    expect({ code, text }).toEqual({ code: 2, text: "" });
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr.trimEnd()).not.toContain("\n");
  });

  test("needs a target", async () => {
    expect(await run("-name", "x")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("missing target before the expression"),
    });
  });
});
