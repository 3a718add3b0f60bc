import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { describeAsRoot } from "../helpers/availability.ts";
import { fuseTarget } from "../helpers/fuse.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";
import { hostTool, zone } from "./host-tools.ts";

const someone = user();

describeAsRoot("stat against GNU stat on the same files", () => {
  let place: Sandbox;
  beforeAll(async () => {
    place = await sandbox({ userNamespace: false, steps: ["dir", "/etc", "write", "/etc/passwd", "root:x:0:0::/:"] });
    const at = place.root;
    fs.writeFileSync(`${at}/etc/group`, "root:x:0:\n");
    fs.writeFileSync(`${at}/file`, "content");
    fs.writeFileSync(`${at}/empty`, "");
    fs.chmodSync(`${at}/empty`, 0o6751);
    fs.utimesSync(`${at}/file`, 1.25, -1);
    fs.symlinkSync("file", `${at}/link`);
    // Prevents a change of the link's access time when it is read (mount(8), relatime).
    fs.lutimesSync(`${at}/link`, Date.now() / 1000 + 1000, 1e9);
    spawnSync("mkfifo", [`${at}/fifo`]);
    spawnSync("mknod", [`${at}/null`, "c", "1", "3"]);
  });

  test.each(["file", "empty", "link", "fifo", "null", "etc"])("%s", async (name) => {
    const { code, stderr, text } = await someone.run(["stat", `pid:${place.pid}:/${name}`], { env: zone });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const theirs = hostTool("stat", [name], place.root).replace(`File: ${name}`, `File: pid:${place.pid}:/${name}`);
    // porthole omits the I/O block size and adds the storage of the file.
    expect(text.replace(/^Storage: .*\n/m, "")).toBe(theirs.replace(/IO Block: \d+ +/, ""));
    expect(text).toMatch(/^Storage: .+$/m);
  });

  test("follows links with -L", async () => {
    const { text } = await someone.run(["stat", "-L", `pid:${place.pid}:/link`]);
    expect(text).toMatch(/^ {2}File: pid:\d+:\/link\n {2}Size: 7 .* regular file\n/);
  });
});

describe("stat", () => {
  let place: Sandbox;
  beforeAll(async () => {
    const steps = ["tmpfs", "/tmp", "write", "/tmp/kept", "held", "hold", "/tmp/kept", "remove", "/tmp/kept"];
    place = await sandbox({ steps: [...steps, "write", "/tmp/x", "x", "hold", "/tmp/x"] });
  });
  const json = async (path: string) =>
    JSON.parse((await someone.run(["stat", "--json", `pid:${place.pid}:${path}`])).text);

  test("shows where a file is stored", async () => {
    expect(await json("/tmp/x")).toMatchObject({
      kind: "file",
      size: 2,
      deleted: false,
      backing: { kind: "memory", fileSystem: "tmpfs", mountPoint: "/tmp", readOnly: false, volume: null },
    });
    expect(await json("/proc/1/stat")).toMatchObject({ backing: { kind: "kernel", fileSystem: "proc" } });
    expect(await json("/proc/1/stat")).toMatchObject({ kind: "file", user: null });
  });

  test("distinguishes an open deleted file from a file that has a name", async () => {
    expect(await json("/proc/1/fd/3")).toMatchObject({
      kind: "file",
      size: 5,
      links: 0,
      deleted: true,
      link: expect.stringMatching(/\/tmp\/kept \(deleted\)$/),
      backing: { kind: "memory" },
    });
    expect(await json("/proc/1/fd/4")).toMatchObject({
      deleted: false,
      link: expect.stringMatching(/\/tmp\/x$/),
      links: 1,
    });
    const { text } = await someone.run(["stat", `pid:${place.pid}:/proc/1/fd/3`]);
    expect(text).toMatch(/-> .*\/tmp\/kept \(deleted\)\n/);
    expect(text).toMatch(/\nDeleted: /);
  });

  test("continues after a file that fails", async () => {
    const { code, text, stderr } = await someone.run(["stat", `pid:${place.pid}:/nope`, `pid:${place.pid}:/tmp/*`]);
    expect(code).toBe(1);
    expect(stderr).toBe(`porthole: cannot stat pid:${place.pid}:/nope: No such file or directory\n`);
    expect(text).toContain(`File: pid:${place.pid}:/tmp/x\n`);
  });

  test("shows where a local file is stored", async () => {
    const { text } = await someone.run(["stat", "/proc/self/stat", "/dev/null"]);
    expect(text.match(/^Storage: kernel \(proc, /gm)).toHaveLength(1);
    expect(text).toMatch(/Device type: 1,3\n/);
  });
});

describeAsRoot("stat of a file whose server may not answer", () => {
  test("reports the relay and the file system", async () => {
    const target = await fuseTarget();
    const { text, code } = await someone.run(["stat", `pid:${target.pid}:${target.place}/data`]);
    expect(code).toBe(0);
    expect(text).toMatch(/^Storage: network \(fuse[.a-z]*, /m);
    expect(text).toMatch(/^Relayed: /m);
    const sum = await someone.run(["ls", "-d", "--total", `pid:${target.pid}:${target.place}`]);
    expect(sum.text).toMatch(/^d.* \d{7,} .*\n$/);
    await target.stop();
  });
});
