import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { sandbox, sandboxOfTests } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

const someone = user();
const base = fs.mkdtempSync(`${tmpdir()}/porthole-cp-`);
afterAll(() => {
  // A copied directory is read-only, like its source.
  spawnSync("chmod", ["-R", "u+w", base]);
  fs.rmSync(base, { recursive: true });
});

let into: string;
let count = 0;
beforeEach(() => {
  into = `${base}/into-${count++}`;
  fs.mkdirSync(into);
});

/** Lists names, kinds, modes, times and contents below a directory. */
function content(path: string): string[] {
  const { stdout } = spawnSync("find", [path, "-printf", "%P %y %m %T@ %l\n"], { encoding: "utf8" });
  return stdout.split("\n").sort();
}

describeWith("userNamespaces", "cp of a container's files", () => {
  let root: string;
  const place = sandboxOfTests({
    steps: ["dir", "/d", "dir", "/memory", "tmpfs", "/memory", "write", "/memory/f", "in memory"],
  });
  beforeAll(async () => {
    root = place.root;
    fs.mkdirSync(`${root}/d/e/empty`, { recursive: true });
    fs.writeFileSync(`${root}/d/text`, "text", { mode: 0o640 });
    fs.writeFileSync(`${root}/d/e/deep`, "deep");
    fs.writeFileSync(Buffer.from(`${root}/d/\xff`, "latin1"), "name");
    fs.writeFileSync(`${root}/d/tool`, "#!", { mode: 0o755 });
    fs.writeFileSync(`${root}/d/sparse`, "begin");
    fs.truncateSync(`${root}/d/sparse`, 64 << 20);
    fs.symlinkSync("../secret", `${root}/d/link`);
    fs.symlinkSync("e", `${root}/d/directory-link`);
    fs.writeFileSync(`${root}/secret`, "of the container");
    fs.utimesSync(`${root}/d/text`, 1_500_000_000.25, 1_400_000_000.75);
    fs.utimesSync(`${root}/d/e`, 1_500_000_000, 1_300_000_000);
    fs.chmodSync(`${root}/d/e`, 0o555);
  });
  afterAll(() => place && fs.chmodSync(`${root}/d/e`, 0o755));
  const target = (path: string) => `pid:${place.pid}:${path}`;

  test("into a directory that was removed names the cause", async () => {
    const before = ["sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', into];
    expect(await someone.run(["cp", `pid:${place.pid}:/d/text`, "."], { before })).toMatchObject({
      code: 1,
      stderr: "porthole: cannot create ./text: No such file or directory\n",
    });
  });

  test("copies a directory with names, links, permission bits and times", async () => {
    expect(await someone.run(["cp", target("/d"), into])).toMatchObject({ code: 0, stderr: "" });
    expect(content(`${into}/d`)).toEqual(content(`${root}/d`));
    expect(spawnSync("diff", ["-r", "--no-dereference", `${into}/d`, `${root}/d`]).status).toBe(0);
  });

  test("keeps holes", async () => {
    await someone.run(["cp", target("/d/sparse"), into]);
    expect(fs.statSync(`${into}/sparse`)).toMatchObject({ size: 64 << 20 });
    expect(fs.statSync(`${into}/sparse`).blocks).toBeLessThan(1024);
  });

  test("follows links inside the container with -L, and a named link", async () => {
    expect(await someone.run(["cp", "-L", target("/d"), `${into}/copy`])).toMatchObject({ code: 0 });
    expect(fs.readFileSync(`${into}/copy/link`, "utf8")).toBe("of the container");
    expect(fs.readFileSync(`${into}/copy/directory-link/deep`, "utf8")).toBe("deep");
    await someone.run(["cp", target("/d/link"), into]);
    expect(fs.readFileSync(`${into}/link`, "utf8")).toBe("of the container");
  });

  test.each(["-r", "-R", "-a", "-rf", "-Rp"])("accepts cp(1)'s %s", async (option) => {
    expect(await someone.run(["cp", option, target("/d"), into])).toMatchObject({ code: 0, stderr: "" });
    expect(content(`${into}/d`)).toEqual(content(`${root}/d`));
  });

  test("names the copy that cannot be created in a missing directory", async () => {
    const { stderr } = await someone.run(["cp", target("/d/text"), `${into}/none/x`]);
    expect(stderr).toBe(`porthole: cannot create ${into}/none/x: No such file or directory\n`);
  });

  test("copies matches of a glob, files in memory and a file under a new name", async () => {
    expect(await someone.run(["cp", target("/d/t*"), target("/memory/f"), into])).toMatchObject({ code: 0 });
    expect(fs.readdirSync(into).sort()).toEqual(["f", "text", "tool"]);
    expect(await someone.run(["cp", target("/memory/f"), `${into}/other`])).toMatchObject({ code: 0 });
    expect(fs.readFileSync(`${into}/other`, "utf8")).toContain("in memory");
  });

  test("copies a deleted file that a process has open", async () => {
    const at = `${root}/d/gone`;
    fs.writeFileSync(at, "rescued");
    const fd = fs.openSync(at, "r");
    fs.rmSync(at);
    const path = `/proc/${process.pid}/fd/${fd}`;
    expect(await someone.run(["cp", `pid:${process.pid}:${path}`, `${into}/rescued`])).toMatchObject({ code: 0 });
    fs.closeSync(fd);
    expect(fs.readFileSync(`${into}/rescued`, "utf8")).toBe("rescued");
  });

  test("reports FIFOs and sockets without opening them, and copies the rest", async () => {
    fs.mkdirSync(`${root}/special`);
    spawnSync("mkfifo", [`${root}/special/fifo`]);
    fs.writeFileSync(`${root}/special/file`, "x");
    const { code, stderr } = await someone.run(["cp", target("/special"), into]);
    expect([code, stderr]).toEqual([1, `porthole: not copied: ${target("/special/fifo")}: a FIFO\n`]);
    expect(fs.readdirSync(`${into}/special`)).toEqual(["file"]);
  });

  test("skips /proc when the root is copied", async () => {
    const { stderr } = await someone.run(["cp", target("/"), `${into}/root`]);
    expect(fs.readdirSync(`${into}/root`)).not.toContain("proc");
    expect(fs.readFileSync(`${into}/root/memory/f`, "utf8")).toContain("in memory");
    expect(stderr).not.toContain("/proc");
  });

  test("never copies two sources to one name, also with -f", async () => {
    const sources = [target("/d/e/deep"), target("/d/text"), target("/d/../d/text")];
    const { code, stderr } = await someone.run(["cp", "-f", ...sources, into]);
    expect([code, stderr]).toEqual([
      1,
      `porthole: not copied: ${target("/d/../d/text")}: text is already the copy of ${target("/d/text")} (--parents copies each to a directory of its container and path)\n`,
    ]);
  });

  test("--parents copies below the container's name and the path", async () => {
    const args = ["cp", "--parents", target("/d/text"), target("/d/../d/e"), `${root}/secret`, into];
    expect(await someone.run(args)).toMatchObject({ code: 0, stderr: "" });
    const below = `${into}/pid:${place.pid}:/d`;
    expect(fs.readdirSync(below).sort()).toEqual(["e", "text"]);
    expect(fs.readFileSync(`${below}/e/deep`, "utf8")).toBe("deep");
    expect(fs.statSync(below).mode & 0o7777).toBe(0o755);
    expect(fs.existsSync(`${into}${root}/secret`)).toBe(true);
  });

  test("DIR/. copies the contents into an existing directory", async () => {
    expect(await someone.run(["cp", target("/d/e/."), into])).toMatchObject({ code: 0, stderr: "" });
    expect(fs.readdirSync(into).sort()).toEqual(["deep", "empty"]);
    const { code, stderr } = await someone.run(["cp", target("/d/e/."), into]);
    expect([code, stderr]).toEqual([1, `porthole: cannot create ${into}/deep: File exists (-f replaces it)\n`]);
  });

  test("names cat --consume for a FIFO", async () => {
    spawnSync("mkfifo", [`${root}/fifo`]);
    const { stderr } = await someone.run(["cp", target("/fifo"), into]);
    expect(stderr).toContain(`(porthole cat --consume ${target("/fifo")} > FILE)`);
  });

  test("keeps local files without -f, and replaces them with it", async () => {
    fs.writeFileSync(`${into}/text`, "mine");
    const { code, stderr } = await someone.run(["cp", target("/d/text"), target("/d/tool"), into]);
    expect([code, stderr]).toEqual([1, `porthole: cannot create ${into}/text: File exists (-f replaces it)\n`]);
    expect(fs.readFileSync(`${into}/text`, "utf8")).toBe("mine");
    expect(fs.existsSync(`${into}/tool`)).toBe(true);
    expect(await someone.run(["cp", "-f", target("/d/text"), into])).toMatchObject({ code: 0, stderr: "" });
    expect(fs.readFileSync(`${into}/text`, "utf8")).toBe("text");
  });

  test("never replaces a device, FIFO, socket or directory, nor a link to one, also with -f", async () => {
    const at = (name: string) => `${into}/${name}`;
    const writable = "porthole cat and > write into it";
    const cases = [
      ["fifo", "it is a FIFO", writable],
      ["to-fifo", "it is a link to a FIFO", writable],
      ["to-device", "it is a link to a character device", writable],
      ["to-open-file", "it is a link to an open file", writable],
      ["to-directory", "it is a link to a directory", "remove the link first"],
      ["to-nothing", "it is a link to nothing", "remove the link first"],
    ] as const;
    spawnSync("mkfifo", [at("fifo")]);
    for (const [name, link] of [
      ["to-fifo", "fifo"],
      ["to-device", "/dev/null"],
      ["hop", "/proc/self/fd/1"],
      ["to-open-file", "hop"],
      ["to-directory", "."],
      ["to-nothing", "nothing"],
    ] as const)
      fs.symlinkSync(link, at(name));
    const source = `${root}/named`;
    fs.mkdirSync(source);
    for (const [name] of cases) fs.writeFileSync(`${source}/${name}`, "new");
    const kinds = () => cases.map(([name]) => fs.lstatSync(at(name)).mode);
    const kept = kinds();
    for (const force of [[], ["-f"]]) {
      const sources = cases.map(([name]) => target(`/named/${name}`));
      const before = ["sh", "-c", `exec "$@" > ${at("output")}`, "sh"];
      const result = await someone.run(["cp", ...force, ...sources, into], { before });
      const lines = cases.map(([name, why, hint]) => `porthole: cannot create ${at(name)}: ${why} (${hint})\n`);
      expect([result.code, result.stderr]).toEqual([1, lines.join("")]);
      expect(kinds()).toEqual(kept);
    }
    fs.rmSync(source, { recursive: true });
    fs.mkdirSync(at("text"));
    const { stderr } = await someone.run(["cp", target("/d/text"), into]);
    expect(stderr).toBe(`porthole: cannot create ${at("text")}: Is a directory\n`);
  });

  test("does not write through a local link that has a container's name", async () => {
    fs.mkdirSync(`${into}/elsewhere`);
    fs.symlinkSync("elsewhere", `${into}/d`);
    const { code, stderr } = await someone.run(["cp", "-f", target("/d"), into]);
    expect([code, stderr]).toEqual([1, `porthole: cannot create ${into}/d: Not a directory\n`]);
    expect(fs.readdirSync(`${into}/elsewhere`)).toEqual([]);
  });

  test("overwrites an existing file of a container only with --rw, and never creates a file", async () => {
    fs.writeFileSync(`${into}/new`, "new");
    fs.writeFileSync(`${root}/d/written`, "a longer text");
    const source = `${into}/new`;
    const refused = await someone.run(["cp", source, target("/d/written")]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("--rw overwrites an existing file")]);
    expect(await someone.run(["cp", "--rw", source, target("/d/written")])).toMatchObject({ code: 0, stderr: "" });
    expect(fs.readFileSync(`${root}/d/written`, "utf8")).toBe("new");
    const missing = await someone.run(["cp", "--rw", source, target("/d/missing")]);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("porthole creates no files there")]);
    expect(fs.existsSync(`${root}/d/missing`)).toBe(false);
    fs.rmSync(`${root}/d/written`);
  });

  test.each([
    ["file", "web:/new", "--rw overwrites an existing file; to create one: docker cp file web:/new"],
    [
      "web:/f",
      "db:/new",
      "--rw overwrites an existing file; to create one: porthole cp web:/f copy && docker cp copy db:/new",
    ],
    ["file", "volume:data:/new", "--rw overwrites an existing file"],
  ])(
    "of %s to %s suggests the command that creates the file, if there is such a command",
    async (source, destination, hint) => {
      const { code, stderr } = await someone.run(["cp", source, destination]);
      expect([code, stderr]).toEqual([
        2,
        `porthole: cannot copy to ${destination}: porthole only reads in a container (${hint})\n`,
      ]);
    },
  );

  test("refuses a sparse file that is larger than the file system allows, or copies all of it", async () => {
    const huge = `/proc/${place.pid}/root/memory/huge`;
    for (const size of ["9223372036854775807", String(2 ** 50)]) {
      spawnSync("truncate", ["-s", size, huge]);
      const { code, stderr } = await someone.run(["cp", target("/memory/huge"), into]);
      const copy = fs.statSync(`${into}/huge`, { bigint: true, throwIfNoEntry: false });
      if (code === 0) expect([stderr, String(copy?.size)]).toEqual(["", size]);
      else
        expect([code, stderr, copy]).toEqual([
          1,
          `porthole: cannot copy to ${into}/huge: write failed: File too large\n`,
          undefined,
        ]);
      fs.rmSync(huge);
    }
  });

  test("replaces a link with -f, and leaves no temporary file if a directory has its name", async () => {
    fs.symlinkSync("text", `${root}/d/text.part`);
    expect(await someone.run(["cp", target("/d"), into])).toMatchObject({ code: 0, stderr: "" });
    const again = () => {
      // Its copied mode forbids an ordinary user to replace files in it.
      fs.chmodSync(`${into}/d/e`, 0o755);
      return someone.run(["cp", "-f", target("/d"), into]);
    };
    expect(await again()).toMatchObject({ code: 0, stderr: "" });
    fs.rmSync(`${into}/d/link`);
    fs.mkdirSync(`${into}/d/link`);
    const { code, stderr } = await again();
    expect([code, stderr]).toEqual([1, `porthole: cannot create ${into}/d/link: Is a directory\n`]);
    expect(fs.readdirSync(`${into}/d`).sort()).toEqual(fs.readdirSync(`${root}/d`).sort());
    fs.rmSync(`${root}/d/text.part`);
  });

  test("leaves no partial file when it is killed", async () => {
    const size = 256 << 20;
    fs.writeFileSync(`${root}/large`, "");
    for (let at = 0; at < size; at += 1 << 20) fs.appendFileSync(`${root}/large`, Buffer.alloc(1 << 20, at >> 20));
    const { pid, child, ended } = someone.start(["cp", target("/large"), into]);
    await waitFor("the copy to begin", () => child.exitCode !== null || descriptors(pid).some(isIn(into)));
    child.kill("SIGKILL");
    await ended;
    const left = fs.readdirSync(into).map((name) => [name, fs.statSync(`${into}/${name}`).size]);
    // It was killed before or after the file was complete.
    expect([[], [["large", size]]]).toContainEqual(left.filter(([name]) => name !== "large.part"));
    fs.rmSync(`${root}/large`);
  });
});

function descriptors(pid: number): string[] {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).map((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

const isIn = (directory: string) => (path: string) => path.startsWith(`${directory}/`);

describe("cp", () => {
  test.each([
    [["./a"], 2, "no destination"],
    [["./a", "./b", "./missing"], 2, "not a directory"],
    [["./a", "./missing/b"], 1, "No such file or directory"],
    [["/", "."], 2, "it has no name (/. copies its contents"],
    [["./a", "-"], 2, "porthole cat writes to standard output"],
    [["--parents", "./a", "c"], 2, "--parents needs an existing directory"],
    [["./missing", "."], 1, "No such file or directory"],
    [["/dev/zero", "."], 1, "not copied: /dev/zero: a character device"],
  ])("refuses %j in one line", async (args, status, reason) => {
    fs.writeFileSync(`${into}/a`, "a");
    fs.writeFileSync(`${into}/b`, "b");
    const { code, stderr } = await someone.run(["cp", ...args], { before: ["env", "-C", into] });
    expect([code, stderr.split("\n").length, stderr]).toEqual([status, 2, expect.stringContaining(reason)]);
    expect(fs.readdirSync(into).sort()).toEqual(["a", "b"]);
  });

  test("does not copy a directory into itself", async () => {
    fs.mkdirSync(`${into}/d/e`, { recursive: true });
    const { code, stderr } = await someone.run(["cp", `${into}/d`, `${into}/d/e`]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("it contains the directory it is copied to")]);
    expect(fs.readdirSync(`${into}/d/e/d`)).toEqual(["e"]);
  });

  describeWith("userNamespaces", "with a limit of the file size", () => {
    test("reports the name of a container's file that --rw cannot write", async () => {
      const full = await sandbox({ steps: ["dir", "/m", "tmpfs", "/m", "write", "/m/f", "old"] });
      fs.writeFileSync(`${base}/large`, Buffer.alloc(8 << 20, 1));
      const name = `pid:${full.pid}:/m/f`;
      const { code, stderr } = await someone.run(["cp", "--rw", `${base}/large`, name], {
        before: ["prlimit", "--fsize=1000000"],
      });
      expect([code, stderr]).toEqual([1, `porthole: cannot copy to ${name}: write failed: File too large\n`]);
    });
  });

  describeWith("userNamespaces", "on a full disk", () => {
    test("stops with one line and leaves no partial file", async () => {
      const script = `mount -t tmpfs -o size=1m none ${into}; "$@"; status=$?; ls -A ${into}; exit $status`;
      fs.writeFileSync(`${base}/2m`, Buffer.alloc(2 << 20, 1));
      fs.writeFileSync(`${base}/small`, "x");
      const { code, stderr, text } = await someone.run(["cp", `${base}/2m`, `${base}/small`, into], {
        before: ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"],
      });
      const line = `porthole: cannot copy to ${into}/2m: write failed: No space left on device\n`;
      expect([code, stderr, text]).toEqual([1, line, ""]);
    });
  });
});
