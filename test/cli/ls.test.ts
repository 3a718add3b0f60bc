import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { describeAsRoot, describeWith } from "../helpers/availability.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { jsonLines, user } from "../helpers/porthole.ts";
import { isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { screenOfTest } from "../tui/screen.ts";
import { hostTool, zone } from "./host-tools.ts";

const someone = user();

/**
 * Creates every kind of file, sizes around the units, times around half a year, and unusual names.
 */
function furnish(at: string): void {
  const day = 86_400;
  const now = Math.floor(Date.now() / 1000);
  fs.mkdirSync(`${at}/deep/er/est`, { recursive: true });
  fs.mkdirSync(`${at}/.hidden-directory`);
  fs.mkdirSync(`${at}/empty`);
  for (const [name, mode] of [
    ["sticky", 0o1777],
    ["open", 0o777],
    ["only-sticky", 0o1755],
  ] as const) {
    fs.mkdirSync(`${at}/${name}`);
    fs.chmodSync(`${at}/${name}`, mode);
  }
  for (const [name, mode] of [
    ["setuid", 0o4755],
    ["setuid-only", 0o4644],
    ["setgid", 0o2711],
    ["run", 0o700],
    ["none", 0],
  ] as const) {
    fs.writeFileSync(`${at}/${name}`, "x");
    fs.chmodSync(`${at}/${name}`, mode);
  }
  for (const size of [0, 1, 1023, 1024, 1025, 9 * 1024, 10_189, 10_241, 1_048_575, 1_048_576, 1_047_553, 5e9])
    fs.truncateSync(createFile(`${at}/size-${size}`), size);
  for (const [name, days] of [
    ["recent", 182],
    ["older", 183],
    ["old", 1000],
    ["future", -2],
    ["epoch", now / day],
  ] as const)
    fs.utimesSync(createFile(`${at}/${name}`), now, now - days * day);
  for (const name of [
    "archive.tar.gz",
    "with space",
    "new\nline",
    "\x1b[31mred",
    "é",
    "日本",
    "[glob]*?",
    "-dash",
    "back\\slash",
  ])
    fs.writeFileSync(`${at}/${name}`, name);
  fs.writeFileSync(Buffer.from(`${at}/\xff\xfe`, "latin1"), "");
  fs.linkSync(`${at}/run`, `${at}/deep/again`);
  fs.symlinkSync("deep", `${at}/to-directory`);
  fs.symlinkSync("nowhere", `${at}/broken`);
  fs.symlinkSync(".", `${at}/deep/loop`);
  fs.symlinkSync("/size-1", `${at}/absolute`);
  spawnSync("mkfifo", [`${at}/fifo`]);
}

function createFile(path: string): string {
  fs.writeFileSync(path, "");
  return path;
}

describeAsRoot("ls against GNU ls on the same directory", () => {
  let place: Sandbox;
  let inside: string;

  beforeAll(async () => {
    place = await sandbox({ userNamespace: false, steps: ["dir", "/data"] });
    inside = `/proc/${place.pid}/root/data`;
    furnish(inside);
    for (const [i, path] of ["deep", "run", "empty", "old"].entries())
      fs.lchownSync(`${inside}/${path}`, 1000 ** i, 42 + i);
    spawnSync("mknod", [`${inside}/null`, "c", "1", "3"]);
    spawnSync("mknod", [`${inside}/block`, "b", "259", "65536"]);
  });

  const ours = async (args: string[], env = {}) => {
    const result = await someone.run(["ls", ...args, `pid:${place.pid}:/data`], { env: { ...zone, ...env } });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    return result.stdout.toString("latin1");
  };
  /**
   * Runs GNU ls. Replaces the directory's name, and removes GNU's redundant reset before the first
   * colour.
   */
  const theirs = (args: string[], env = {}) =>
    hostTool("ls", ["-n", ...args, "."], inside, env)
      .replace(/^\.(\/.*)?:$/gm, (_, below = "") => `pid:${place.pid}:/data${below}:`)
      .replace("\x1b[0m\x1b[", "\x1b[");

  // GNU's -n is -l with numeric owners; the sandbox has no /etc/passwd.
  test.each([
    "-l",
    "-la",
    "-lA",
    "-lh",
    "-lR",
    "-laR",
    "-lt",
    "-ltr",
    "-lS",
    "-lSr",
    "-lrh",
    "-n",
    "-lF",
    "-li",
    "-laFi",
    ...["-l1", "-Cl", "-Cn"],
  ])("%s", async (flags) => {
    const lines = await ours([flags]);
    expect(lines).toBe(theirs([flags]));
    expect(lines).toMatch(/^total \d/m);
  });

  test.each([
    ...["-1", "-a", "-A", "-R", "-aR", "-r", "-t", "-S", "-F", "-i", "-aFi"],
    // The last of options that exclude each other wins.
    ...["-aA", "-Aa", "-St", "-tS", "-C1", "-lC1"],
  ])("%s", async (flags) => {
    const names = await ours([flags]);
    const expected = hostTool("ls", ["-1", flags, "."], inside).replace(
      /^\.(\/.*)?:$/gm,
      (_, below = "") => `pid:${place.pid}:/data${below}:`,
    );
    expect(names).toBe(expected);
  });

  test("fills lines with columns as GNU ls does", async () => {
    for (const COLUMNS of ["20", "40", "80", "81", "200"]) {
      for (const flags of ["-C", "-CF", "-CiF", "-lC", "-nC", "-1C"]) {
        const { text } = await someone.run(["ls", flags, "/usr/share"], { env: { COLUMNS } });
        expect(text).toBe(hostTool("ls", [flags, "-T0", "/usr/share"], "/", { COLUMNS }));
      }
      const { text } = await someone.run(["ls", "-C", "/usr/bin"], { env: { COLUMNS } });
      expect(text).toBe(hostTool("ls", ["-C", "-T0", "/usr/bin"], "/", { COLUMNS }));
    }
  });

  const settings = {
    "its own": undefined,
    "none for most": "di=01;34",
    "dircolors'":
      "rs=0:di=01;34:ln=01;36:mh=00:pi=40;33:so=01;35:bd=40;33;01:cd=40;33;01:or=40;31;01:mi=00:su=37;41:sg=30;43:ca=00:tw=30;42:ow=34;42:st=37;44:ex=01;32:*.tar=01;31:*.gz=01;31:*é=35",
    "links as what they lead to": "ln=target:di=01;34:ex=01;32:or=31:mi=41:fi=33:*.gz=0",
    "hard links": "mh=44;37:tw=30:*old=32:*old=33",
  };
  test.each(Object.entries(settings))("colours names by LS_COLORS: %s", async (_, LS_COLORS) => {
    const env = { TERM: "xterm", ...(LS_COLORS !== undefined && { LS_COLORS }) };
    for (const flags of ["-l", "-lR"])
      expect(await ours([flags, "--color=always"], env)).toBe(theirs([flags, "--color=always"], env));
    const names = hostTool("ls", ["-1", "--color=always", "."], inside, env).replace("\x1b[0m\x1b[", "\x1b[");
    expect(await ours(["--color=always"], env)).toBe(names);
  });

  test("does not colour the output for a pipe by default, or with --color=never", async () => {
    expect(await ours([])).toBe(hostTool("ls", ["-1"], inside));
    expect(await ours(["--color=never"])).toBe(await ours([]));
  });

  test("names owners by the target's /etc/passwd", async () => {
    fs.mkdirSync(`${place.root}/etc`);
    fs.writeFileSync(
      `${place.root}/etc/passwd`,
      "root:x:0:0::/:\nsecond:x:0:0::/:\nworker:x:1000:1000::/:\nbad line\n",
    );
    fs.writeFileSync(`${place.root}/etc/group`, "wheel:x:0:\nstaff:x:43:a,b\n");
    const lines = (await someone.run(["ls", "-l", `pid:${place.pid}:/data`])).text;
    expect(lines).toMatch(/^-rwx------ 2 worker +staff .* run$/m);
    expect(lines).toMatch(/^drwxr-xr-x 2 +1000000 +44 .* empty$/m);
    expect(lines).toMatch(/^drwxrwxrwt 2 root +wheel .* sticky$/m);
    fs.rmSync(`${place.root}/etc`, { recursive: true });
    // A FIFO in place of /etc/passwd must not block the command.
    fs.mkdirSync(`${place.root}/etc`);
    spawnSync("mkfifo", [`${place.root}/etc/passwd`]);
    expect(await ours(["-l"])).toBe(theirs(["-l"]));
    fs.rmSync(`${place.root}/etc`, { recursive: true });
  });

  test("--json prints exactly the values of lstat", async () => {
    const records = jsonLines<Record<string, string | number>>(await ours(["--json", "-A"]));
    const names = fs.readdirSync(inside, { encoding: "latin1" });
    expect(records).toHaveLength(names.length);
    for (const name of names) {
      const stat = fs.lstatSync(Buffer.from(`${inside}/${name}`, "latin1"), { bigint: true });
      const record = records.find(({ inode }) => inode === Number(stat.ino));
      expect(record).toMatchObject({
        mode: (Number(stat.mode) & 0o7777).toString(8).padStart(4, "0"),
        size: Number(stat.size),
        allocated: Number(stat.blocks) * 512,
        links: Number(stat.nlink),
        uid: Number(stat.uid),
        gid: Number(stat.gid),
      });
      expect(String(record?.modified)).toBe(
        `${new Date(Number(stat.mtimeMs)).toISOString().slice(0, 19)}.${String(stat.mtimeNs % 1_000_000_000n).padStart(9, "0")}Z`,
      );
      expect(record?.link).toBe(stat.isSymbolicLink() ? fs.readlinkSync(`${inside}/${name}`) : undefined);
    }
    const strange = records.filter(({ name }) => typeof name === "string" && !name.isWellFormed());
    expect(strange).toMatchObject([
      { name: "\udcff\udcfe", target: `pid:${place.pid}:/data/\udcff\udcfe`, kind: "file" },
    ]);
    expect(records.find(({ name }) => name === "block")).toMatchObject({
      kind: "block device",
      represents: "259:65536",
    });
  });

  test("--total adds up the files below, and counts a file with two names, or a mount at two places, once", async () => {
    const { pid } = place;
    const total = async (path: string) =>
      JSON.parse((await someone.run(["ls", "-d", "--total", "--json", `pid:${pid}:${path}`])).text).total as number;
    const sum = (path: string) =>
      hostTool("find", [".", "-type", "f,l", "-printf", "%i %s\n"], path)
        .trim()
        .split("\n")
        .filter((line, i, all) => all.indexOf(line) === i)
        .reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
    fs.mkdirSync(`${inside}/twice`);
    fs.linkSync(`${inside}/size-1025`, `${inside}/twice/one`);
    fs.linkSync(`${inside}/size-1025`, `${inside}/twice/two`);
    expect(await total("/data/twice")).toBe(1025);
    const expected = sum(inside);
    expect(await total("/data")).toBe(expected);
    fs.mkdirSync(`${inside}/mounted`);
    const bind = spawnSync("nsenter", [
      "-t",
      String(pid),
      "-m",
      "mount",
      "--bind",
      `${place.root}/data`,
      `${place.root}/data/mounted`,
    ]);
    expect(bind.status).toBe(0);
    expect(await total("/data")).toBe(expected);
    expect(await total("/data/mounted")).toBe(expected);
    // Files of the kernel are not counted: /proc/kcore alone would add 128 TiB.
    expect(await total("/")).toBeLessThan(expected + 1e8);
    expect(await total("/proc")).toBeUndefined();
    const { code, stderr, text } = await someone.run(["ls", "--total", "--json", `pid:${pid}:/`]);
    expect([code, stderr]).toEqual([0, ""]);
    const listed = jsonLines<{ name: string; total?: number }>(text);
    expect(listed.find(({ name }) => name === "proc")).not.toHaveProperty("total");
    expect(listed.find(({ name }) => name === "data")?.total).toBe(expected);
    spawnSync("nsenter", ["-t", String(pid), "-m", "umount", `${place.root}/data/mounted`]);
    fs.rmSync(`${inside}/twice`, { recursive: true });
    fs.rmSync(`${inside}/mounted`, { recursive: true });
  });
});

describe("ls", () => {
  let place: Sandbox;
  beforeAll(async () => {
    place = await sandbox({ steps: ["dir", "/a", "dir", "/b", "dir", "/b/below"] });
    for (const file of ["/a/1.log", "/a/2.log", "/b/below/3.log", "/[x]"])
      fs.writeFileSync(`${place.root}${file}`, file);
    fs.symlinkSync("/a", `${place.root}/to-a`);
    fs.symlinkSync("..", `${place.root}/b/up`);
  });
  const at = (path: string) => `pid:${place.pid}:${path}`;

  test("prints files first, then directories with titles, and follows a link to a directory", async () => {
    const { code, text } = await someone.run(["ls", at("/to-a"), at("/b"), at("/a/2.log"), "/proc/self/status"]);
    expect(code).toBe(0);
    expect(text).toBe(
      `/proc/self/status\n${at("/a/2.log")}\n\n${at("/b")}:\nbelow\nup\n\n${at("/to-a")}:\n1.log\n2.log\n`,
    );
  });

  test("prints links themselves with -l and directories themselves with -d", async () => {
    expect((await someone.run(["ls", "-l", at("/to-a")])).text).toMatch(/^l.* -> \/a\n$/);
    expect((await someone.run(["ls", "-l", at("/to-a/")])).text).toMatch(/^total 8\n-.*1\.log\n-.*2\.log\n$/);
    expect((await someone.run(["ls", "-d", at("/a"), at("/b")])).text).toBe(`${at("/a")}\n${at("/b")}\n`);
  });

  test("expands globs inside the container, and accepts a name with a bracket literally", async () => {
    expect((await someone.run(["ls", at("/*/*.log")])).text).toBe(
      [1, 2]
        .map((n) => `${at(`/a/${n}.log`)}\n`)
        .join("")
        .concat([1, 2].map((n) => `${at(`/to-a/${n}.log`)}\n`).join("")),
    );
    expect((await someone.run(["ls", at("/[x]")])).text).toBe(`${at("/[x]")}\n`);
    expect((await someone.run(["cat", at("/**/3.log"), at("/\\[x\\]")])).text).toBe("/b/below/3.log/[x]");
  });

  test("hexdump takes a glob that matches one file, and refuses one that matches several", async () => {
    const dump = await someone.run(["hexdump", at("/\\[x\\]")]);
    expect(dump).toMatchObject({ code: 0, stderr: "", text: (await someone.run(["hexdump", at("/[x]")])).text });
    expect(dump.text).toContain("|/[x]|");
    expect(await someone.run(["hexdump", at("/a/*.log")])).toMatchObject({
      code: 2,
      text: "",
      stderr:
        `porthole: hexdump shows one file, and '${at("/a/*.log")}' matches 2, such as ${at("/a/1.log")} ` +
        `(porthole ls '${at("/a/*.log")}' lists them)\n`,
    });
  });

  test("a file named like the glob does not hide the other matches in any command", async () => {
    const names = ["*.log", "1.log", "2.log"];
    const shown = names.map((name) => at(`/a/${name}`));
    fs.writeFileSync(`${place.root}/a/*.log`, "/a/*.log");
    const copies = temporaryDirectory();
    onTestFinished(() => fs.rmSync(`${place.root}/a/*.log`));
    const glob = at("/a/*.log");
    for (const command of [["ls"], ["find"], ["grep", "-l", "log"]])
      expect((await someone.run([...command, glob])).text.trim().split("\n").sort(), command[0]).toEqual(shown);
    for (const command of ["cat", "head", "tail", "with"]) {
      const rest = command === "with" ? ["--", "cat", "{}"] : [];
      const { text } = await someone.run([command, glob, ...rest]);
      for (const name of names) expect(text, command).toContain(`/a/${name}`);
    }
    const { text } = await someone.run(["stat", glob]);
    for (const path of shown) expect(text).toContain(path);
    expect(await someone.run(["cp", glob, copies])).toMatchObject({ code: 0 });
    expect(fs.readdirSync(copies).sort()).toEqual(names);
    expect((await someone.run(["ls", at("/a/\\*.log")])).text).toBe(`${shown[0]}\n`);
  });

  test("continues after missing files, with one line each, and returns 1", async () => {
    const result = await someone.run(["ls", at("/nope"), at("/a"), at("/b/*.gz"), at("/broken/")]);
    expect(result.code).toBe(1);
    expect(result.text).toBe(`${at("/a")}:\n1.log\n2.log\n`);
    expect(result.stderr).toBe(
      [
        `porthole: no such file: '${at("/b/*.gz")}' matches nothing\n`,
        `porthole: cannot stat ${at("/nope")}: No such file or directory\n`,
        `porthole: cannot stat ${at("/broken/")}: No such file or directory\n`,
      ].join(""),
    );
  });

  test("does not follow a loop of links with -R", async () => {
    const { code, text } = await someone.run(["ls", "-R", at("/b")]);
    expect(code).toBe(0);
    expect(text).toBe(`${at("/b")}:\nbelow\nup\n\n${at("/b/below")}:\n3.log\n`);
  });

  test("lists thirty thousand files in four hundred directories as GNU ls does", async () => {
    const { target, at, stop } = await inMemory();
    for (let i = 0; i < 400; i++) {
      fs.mkdirSync(`${at}/${i}`);
      for (let j = 0; j < (i === 7 ? 10_000 : 50); j++) fs.writeFileSync(`${at}/${i}/f${j}`, "");
    }
    const { stdout, code } = await someone.run(["ls", "-R", target]);
    expect(code).toBe(0);
    const expected = hostTool("ls", ["-R", "."], at).replace(/^\.(.*):$/gm, `${target}$1:`);
    expect(stdout.toString("latin1") === expected).toBe(true);
    const found = await someone.run(["find", "--bare", target, "-type", "f"]);
    expect(found.text.split("\n")).toHaveLength(29_951);
    await stop();
  });

  // Without --json a long find continues on a tree, which outlives the target.
  test.each(["ls -R", "find --json"])("stops and returns 5 when the session is lost (%s)", async (command) => {
    const { target, at, pid, stop } = await inMemory();
    const long = "n".repeat(200);
    for (let i = 0; i < 600; i++) {
      fs.mkdirSync(`${at}/${i}`);
      for (let j = 0; j < 4; j++) fs.writeFileSync(`${at}/${i}/${j}${long}`, "");
    }
    const running = someone.start([...command.split(" "), target]);
    // The target ends while more than the pipe's capacity is still to be printed.
    await new Promise((resolve) => running.stdout.once("readable", resolve));
    process.kill(pid, "SIGKILL");
    await waitFor("the target to be removed", () => !isRunning(pid));
    running.stdout.resume();
    expect((await running.ended).code).toBe(5);
    expect(running.complaints()).toMatch(/^porthole: pid:\d+: the (agent|target) ended [^\n]+\n$/);
    await stop();
  });

  test("ends without a message when its reader closes the pipe", async () => {
    const { target, at, stop } = await inMemory();
    // Makes more entries than the capacity of any pipe.
    for (let n = 0; n < 2000; n++) fs.writeFileSync(`${at}/${n}${"x".repeat(240)}`, "");
    const running = someone.start(["ls", "-l", target]);
    running.stdout.once("data", () => running.stdout.destroy());
    expect((await running.ended).signal).toBe("SIGPIPE");
    await stop();
  });

  /** Makes a directory in memory, because a disk may take minutes for thousands of files. */
  async function inMemory() {
    const { pid, stop } = await sandbox({ steps: ["tmpfs", "/tmp"] });
    return { target: `pid:${pid}:/tmp`, at: `/proc/${pid}/root/tmp`, pid, stop };
  }
});

describeWith(["root", "userNamespaces"], "ls of a directory that cannot be read completely", () => {
  test("reports the error, lists the rest and returns 1", async () => {
    const other = user({ uid: ORDINARY_USER });
    const place = await sandbox({ uid: ORDINARY_USER, steps: ["dir", "/open", "write", "/open/f", "x"] });
    fs.mkdirSync(`${place.root}/closed`, { mode: 0o700 });
    const result = await other.run(["ls", "-R", `pid:${place.pid}:/open`, `pid:${place.pid}:/closed`]);
    expect(result).toMatchObject({
      code: 1,
      text: `pid:${place.pid}:/open:\nf\n`,
      stderr: `porthole: cannot list pid:${place.pid}:/closed: Permission denied\n`,
    });
    const glob = await other.run(["ls", `pid:${place.pid}:/closed/*`]);
    expect(glob).toMatchObject({
      code: 1,
      stderr: `porthole: cannot list pid:${place.pid}:/closed: Permission denied\n`,
    });
    const found = await other.run(["find", `pid:${place.pid}:/`, "-maxdepth", "2", "-path", "/[oc]*"]);
    expect(found.code).toBe(1);
    expect(found.text.split("\n").sort()).toEqual([
      "",
      ...["/closed", "/open", "/open/f"].map((path) => `pid:${place.pid}:${path}`),
    ]);
  });
});

describeWith("tmux", "ls on a terminal", () => {
  const screen = screenOfTest({ rows: 14, columns: 90 });

  test("shows control characters of a name as find, head and errors do", async () => {
    fs.mkdirSync(`${screen.directory}/d`);
    fs.writeFileSync(`${screen.directory}/d/a\x1bb`, "text\n");
    const ours = `${process.execPath} ${builtCommand}`;
    screen.run(
      `${["ls d", "find d", "head -v d/*", 'cat "$(echo d/*)/x"'].map((words) => `${ours} ${words}`).join("; ")}; true`,
    );
    expect(await screen.waitForEnd()).toBe(0);
    await expect.poll(() => screen.text()).toContain("a^[b\nd\nd/a^[b\n==> d/a^[b <==\ntext\n");
    expect(screen.text()).toContain("porthole: d/a^[b/x: Not a directory");
  });

  test("arranges columns, colours file types and escapes control characters of names", async () => {
    fs.mkdirSync(`${screen.directory}/d/sub`, { recursive: true });
    for (const name of ["\x1b]0;title\x07evil", "one", "two", "été"])
      fs.writeFileSync(`${screen.directory}/d/${name}`, "");
    screen.run(
      `unset LS_COLORS; ${process.execPath} ${builtCommand} ls d; ${process.execPath} ${builtCommand} ls -l --color=never d`,
    );
    expect(await screen.waitForEnd()).toBe(0);
    await expect.poll(() => screen.text()).toContain("\n^[]0;title^Gevil  one  sub  two  ");
    await waitFor("the record of it", () => screen.raw().includes("\x1b[01;34msub\x1b[0m"));
    expect(screen.raw()).not.toContain("\x1b]0;title");
    await expect.poll(() => screen.text()).toMatch(/^-rw.* 0 [A-Z][a-z]{2} .* \^\[\]0;title\^Gevil$/m);
  });
});
