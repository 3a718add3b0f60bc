import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { mkfifo } from "../../src/descriptors/files/file.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { describeAsRoot, describeWith } from "../helpers/availability.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type Result, type Running, type User, user } from "../helpers/porthole.ts";
import { directAgents, isRunning, openFiles } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/** Converts text to the bytes of its `latin1` encoding. */
const bytes = (text: string) => Buffer.from(text, "latin1");
const everyByte = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7 + (index >> 8)) % 256));

/**
 * A directory with two names: its local path, and a target whose files an agent opens in other
 * namespaces.
 */
interface NamedDirectory {
  /** Prefix of a path in `directory` that makes it a target. */
  prefix: string;
  /** Local path of the directory, for creating files in it. */
  host: string;
  /** Path of the directory inside the target. */
  directory: string;
}

describe.each(["local", "pid:"] as const)("cat of a %s target", (kind) => {
  let someone: User;
  let place: NamedDirectory;
  beforeAll(async () => {
    someone = user();
    if (kind === "local") {
      const directory = temporaryPlace(someone);
      place = { prefix: "", host: directory, directory };
      return;
    }
    const target: Sandbox = await sandbox();
    place = { prefix: `pid:${target.pid}:`, host: `${target.root}/tmp`, directory: "/tmp" };
  });

  const put = (name: string | Buffer, content: string | Buffer = "content\n") =>
    writeFileSync(Buffer.concat([Buffer.from(`${place.host}/`), Buffer.from(name as string)]), content);
  const target = (name: string) => `${place.prefix}${place.directory}/${name}`;
  const cat = (...names: string[]) => someone.run(["cat", ...names.map(target)]);

  test("copies content of every kind and length byte for byte", async () => {
    for (const content of ["", "x", everyByte, Buffer.alloc(3_000_000, "0123456789")]) {
      put("content", content);
      const result = await cat("content");
      expect([result.code, result.stderr, result.stdout.equals(Buffer.from(content as string))]).toEqual([0, "", true]);
    }
  });

  test("keeps the holes of sparse files in an output file, and writes the next file after them", async () => {
    put("sparse", "start");
    truncateSync(`${place.host}/sparse`, 30_000_000);
    put("end", "the end\n");
    const out = `${temporaryDirectory()}/out`;
    const before = ["sh", "-c", `exec "$@" >${out}`, "sh"];
    const result = await someone.run(["cat", ...["sparse", "sparse", "end"].map(target)], { before });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const sparse = readFileSync(`${place.host}/sparse`);
    expect(readFileSync(out).equals(Buffer.concat([sparse, sparse, Buffer.from("the end\n")]))).toBe(true);
    // The copy has at most one block of 64 KiB per piece of data, for any block size of the file
    // system.
    expect(statSync(out).blocks * 512).toBeLessThan(4 * 65_536);
  });

  test.each(["with space", " ", "with\nnewline", "-dash", "é€😀", "a:b", "$(x) `y` *?[", "\u001b]0;title\u0007"])(
    "opens a name such as %j",
    async (name) => {
      put(name, `${name} of mine`);
      expect(await cat(name)).toMatchObject({ code: 0, stderr: "", text: `${name} of mine` });
    },
  );

  test("opens a name that is not UTF-8, and reports it exactly if it does not exist", async () => {
    put(bytes("odd\xff\xfe name"), "odd");
    const run = (name: string) => {
      const command = `exec "$0" "$1" cat "${target("")}$(printf '${name}')"`;
      return spawnSync("sh", ["-c", command, process.execPath, builtCommand], { env: someone.env, encoding: "latin1" });
    };
    expect(run("odd\\377\\376 name")).toMatchObject({ status: 0, stderr: "", stdout: "odd" });
    const missing = run("odd\\377\\376 nam");
    expect([missing.status, missing.stdout]).toEqual([1, ""]);
    expect(missing.stderr).toMatch(/^porthole: .*odd<FF><FE> nam: No such file or directory\n$/);
  });

  test("continues after a file that fails and returns the highest status", async () => {
    put("a", "a\n");
    mkdirSync(`${place.host}/sub`, { recursive: true });
    const result = await cat("a", "missing", "sub", "a");
    expect(result).toMatchObject({ code: 1, text: "a\na\n" });
    expect(result.stderr).toMatch(
      /^porthole: .*\/missing: No such file or directory\nporthole: .*\/sub: Is a directory\n$/,
    );
  });

  test.each<[string, string, RegExp]>([
    ["a directory", "dir", /^porthole: cannot read \S+\/dir: Is a directory\n$/],
    ["a file used as a directory", "file/x", /: Not a directory\n$/],
    ["a loop of links", "loop", /: Too many levels of symbolic links\n$/],
    ["a name of 5,000 bytes", "n".repeat(5000), /n{200}.*: .*File name too long.*\n$/],
    ["a name of 256 bytes", "n".repeat(256), /: File name too long\n$/],
    ["a link to nowhere", "dangling", /: No such file or directory\n$/],
  ])("of %s prints one line and returns 1", async (_, name, complaint) => {
    mkdirSync(`${place.host}/dir`, { recursive: true });
    put("file");
    for (const [link, to] of [
      ["loop", "loop"],
      ["dangling", "nowhere"],
    ] as const)
      linkOnce(to, `${place.host}/${link}`);
    const result = await cat(name);
    expect(result.stderr).toMatch(complaint);
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(result).toMatchObject({ code: 1, text: "" });
  });

  test("of a FIFO without a writer waits, and prints later data", async () => {
    const path = `${place.host}/fifo-${process.hrtime.bigint()}`;
    mkfifo(path);
    const running = someone.start(["cat", "--consume", target(path.slice(place.host.length + 1))]);
    const output = collect(running);
    const writer = await writerOf(path);
    writer.stdin.write("first ");
    await waitFor("the first bytes", () => output().includes("first "));
    writer.stdin.end("last");
    expect(await running.ended).toEqual({ code: 0, signal: null });
    expect(output()).toBe("first last");
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "that waits for a FIFO is ended by %s immediately and without a message",
    async (signal) => {
      const path = `${place.host}/fifo-${process.hrtime.bigint()}`;
      mkfifo(path);
      const running = someone.start(["cat", "--consume", target(path.slice(place.host.length + 1))]);
      // The open of a writer returns only when there is a reader.
      const writer = await writerOf(path);
      await waitFor("it to open the FIFO", () => openFiles(running.pid).some((name) => name.endsWith(nameOf(path))));
      running.child.kill(signal);
      expect(await running.ended).toEqual({ code: null, signal });
      expect(running.complaints()).toBe("");
      writer.stdin.end();
    },
  );

  test("ends by SIGPIPE without a message when its reader closes the pipe", async () => {
    put("large", Buffer.alloc(8_000_000, "x"));
    const running = someone.start(["cat", target("large")]);
    await waitFor("the first bytes", () => running.stdout.read(1) !== null);
    running.stdout.destroy();
    expect(await running.ended).toEqual({ code: null, signal: "SIGPIPE" });
    expect(running.complaints()).toBe("");
  });

  test("reports a full output device", async () => {
    put("small");
    const command = `exec "$0" "$1" cat "$2" > /dev/full`;
    const result = spawnSync("sh", ["-c", command, process.execPath, builtCommand, target("small")], {
      ...{ env: someone.env, encoding: "utf8" },
    });
    expect([result.status, result.stdout]).toEqual([1, ""]);
    expect(result.stderr).toMatch(/^porthole: .*: No space left on device\n$/);
  });
});

/** Makes a temporary directory that is removed with its user. */
function temporaryPlace(someone: User): string {
  const path = `${someone.directory}/files`;
  mkdirSync(path);
  return path;
}

function linkOnce(to: string, path: string): void {
  try {
    symlinkSync(to, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function collect(running: Running): () => string {
  let text = "";
  running.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

const nameOf = (path: string) => path.slice(path.lastIndexOf("/"));

/** Waits for a process that has the FIFO open for writing: then the FIFO also has a reader. */
async function writerOf(path: string) {
  const child = spawn("sh", ["-c", 'exec 3>"$0"; echo open; exec cat >&3', path], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child;
}

describe("standard input", () => {
  test("is read from its current offset, alone or as - between files", async () => {
    const someone = user();
    const file = `${someone.directory}/f`;
    writeFileSync(file, "one\ntwo\n");
    expect((await someone.run(["cat"], { input: everyByte })).stdout).toEqual(everyByte);
    expect((await someone.run(["cat", file, "-", file], { input: "-\n" })).text).toBe("one\ntwo\n-\none\ntwo\n");
    const after = ["sh", "-c", `exec <${file}; read -r first; "$@"`, "sh"];
    expect((await someone.run(["cat"], { before: after })).text).toBe("two\n");
  });

  test("is refused in one line if it is a directory", async () => {
    const someone = user();
    const { code, stderr } = await someone.run(["cat"], { before: ["sh", "-c", 'exec "$@" </', "sh"] });
    expect([code, stderr]).toEqual([1, "porthole: standard input: Is a directory\n"]);
  });
});

describe("devices", () => {
  const someone = user();

  test("an endless device is read until the reader closes the pipe", async () => {
    const command = `set -o pipefail 2>/dev/null; "$0" "$1" cat /dev/zero | head -c 3000000 | wc -c`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", command, process.execPath, builtCommand], {
      ...{ env: someone.env, encoding: "utf8" },
    });
    // 128 + SIGPIPE, the status of cat(1).
    expect([status, stdout.trim(), stderr]).toEqual([141, "3000000", ""]);
  });

  test("an empty device prints no data, and a missing device is reported", async () => {
    expect(await someone.run(["cat", "/dev/null"])).toMatchObject({ code: 0, text: "", stderr: "" });
    expect(await someone.run(["cat", "/dev/none"])).toMatchObject({ code: 1, text: "" });
  });
});

describeAsRoot("permissions", () => {
  test("of the local file system apply to an ordinary user", async () => {
    const someone = user({ uid: ORDINARY_USER });
    const path = `${temporaryDirectory()}/secret`;
    writeFileSync(path, "secret", { mode: 0o600 });
    const result = await someone.run(["cat", path]);
    expect(result.stderr).toMatch(/^porthole: .*: Permission denied\n$/);
    expect(result).toMatchObject({ code: 1, text: "" });
  });

  test("deny an ordinary user root's processes, and allow the user's own", async () => {
    const someone = user({ uid: ORDINARY_USER });
    const roots = await sandbox({ userNamespace: false, steps: ["write", "/tmp/f", "root's"] });
    const result = await someone.run(["cat", `pid:${roots.pid}:/tmp/f`]);
    expect(result.stderr).toMatch(/^porthole: cannot enter the namespaces of process \d+: permission denied \(.*\)\n$/);
    expect(result).toMatchObject({ code: 4, text: "" });
    const own = await sandbox({ uid: ORDINARY_USER, steps: ["write", "/tmp/f", "mine"] });
    expect(await someone.run(["cat", `pid:${own.pid}:/tmp/f`])).toMatchObject({ code: 0, stderr: "", text: "mine\n" });
  });
});

describe("an agent", () => {
  test("is shared by commands that run at the same moment", async () => {
    const someone = user();
    const target = await sandbox({ steps: ["write", "/tmp/f", "text"] });
    const all = await Promise.all(
      Array.from({ length: 4 }, () => someone.run(["cat", "--idle", "600", `pid:${target.pid}:/tmp/f`])),
    );
    for (const result of all)
      expect(result).toMatchObject({ code: 0, stderr: "", text: "text\n" } satisfies Partial<Result>);
    expect(directAgents(target.pid).agents).toHaveLength(1);
  });

  test("ends when it is idle, and the next command starts another", async () => {
    const someone = user();
    const target = await sandbox({ steps: ["write", "/tmp/f", "text"] });
    for (let round = 0; round < 2; round++) {
      const result = await someone.run(["cat", "--idle", "3", `pid:${target.pid}:/tmp/f`]);
      expect(result).toMatchObject({ code: 0, stderr: "", text: "text\n" });
      await waitFor("it to end", () => directAgents(target.pid).agents.length === 0);
    }
  });

  test("ends with its target, while an open file stays readable", async () => {
    const someone = user();
    const target = await sandbox();
    const path = `${target.root}/tmp/fifo`;
    mkfifo(path);
    const running = someone.start(["cat", "--consume", `pid:${target.pid}:/tmp/fifo`]);
    const output = collect(running);
    const writer = await writerOf(path);
    await waitFor("it to open the FIFO", () => openFiles(running.pid).some((name) => name.endsWith("/tmp/fifo")));
    process.kill(target.pid, "SIGKILL");
    await waitFor("the target's end", () => !isRunning(target.pid));
    await waitFor("the agent's end", () => directAgents(target.pid).agents.length === 0);
    writer.stdin.end("after its end");
    expect(await running.ended).toEqual({ code: 0, signal: null });
    expect(output()).toBe("after its end");
  });
});

describeWith("strace", "the end of cat", () => {
  // Node restores and writes nothing at the end, unless it has options, such as a profiler's.
  test.each([
    ["without destructors", "", /exited with 0/],
    ["with them", "--no-warnings", /dup3\(\d+, 1, 0\) += 1/],
  ])("does not wait until the output is on the disk: %s", async (_, options, end) => {
    const someone = user();
    const trace = `${someone.directory}/trace`;
    const toFile = ["sh", "-c", `exec "$@" > ${someone.directory}/out`, "sh"];
    const before = [...toFile, "strace", "-f", "-e", "trace=fsync,fdatasync,dup3,exit_group", "-o", trace];
    const env = { NODE_OPTIONS: options };
    expect(await someone.run(["cat", "/proc/version"], { before, env })).toMatchObject({ code: 0, stderr: "" });
    const calls = readFileSync(trace, "utf8");
    expect(calls).toMatch(end);
    // fsync(2) of a file on a disk returns 0, and fails for /dev/null.
    expect(calls).not.toMatch(/f(data)?sync\([12]\) += 0/);
  });
});

describeWith("userNamespaces", "an error of cat and tail names the target", () => {
  test("for a file of /proc whose read fails, and tail prints the other files", async () => {
    const someone = user();
    const target = await sandbox({ steps: ["dir", "/d"] });
    const at = (path: string) => `pid:${target.pid}:${path}`;
    writeFileSync(`${target.root}/d/f`, "text\n");
    writeFileSync(`${target.root}/d/bad.gz`, Buffer.concat([Buffer.of(0x1f, 0x8b, 8), Buffer.from("no gzip data")]));
    const cat = await someone.run(["cat", at("/proc/1/mem")]);
    expect(cat).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`cannot read ${at("/proc/1/mem")} to its end`),
    });
    const bad = await someone.run(["cat", "--decompress", at("/d/bad.gz")]);
    expect(bad).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`: ${at("/d/bad.gz")}: cannot decompress: `),
    });
    const tail = await someone.run(["tail", "-q", "-n1", at("/proc/1/pagemap"), at("/d/f")]);
    expect(tail).toMatchObject({
      code: 1,
      text: "text\n",
      stderr: `tail: error reading '${at("/proc/1/pagemap")}': Invalid argument\n`,
    });
  });
});
