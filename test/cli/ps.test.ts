import { execFileSync, spawn } from "node:child_process";
import { beforeAll, expect, test } from "vitest";
import { describeAsRoot } from "../helpers/availability.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { sandbox, sandboxOfTests } from "../helpers/namespaces.ts";
import { jsonLines, user } from "../helpers/porthole.ts";
import { childrenOf } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/** The tested fields of a line of `ps --json`. */
interface Line {
  pid: number;
  uid: number;
  user: string | null;
  command: string;
  arguments: string[];
  files?: { fd: number; path: string; kind: string; position: number; size: number; deleted: boolean; held: number }[];
  mapped?: { path: string; access: string; bytes: number; device: string; inode: number }[];
}

const HOSTILE = "/tmp/\x1b[31mred\nline";
/** The name of a mapped file that exists and ends in the mark of the kernel for deleted files. */
const ODD = "/tmp/there (deleted)";
/** The name of a mapped file that is deleted. */
const LOST = "/tmp/\n\\012 (deleted)";
const MIB = 1024 * 1024;

const someone = user();
let name: string;
const target = sandboxOfTests({
  steps: [
    ...["tmpfs", "/tmp", "write", "/tmp/kept", "kept", "hold", "/tmp/kept"],
    ...["fill", "/tmp/gone", "1", "hold", "/tmp/gone", "hold", "/tmp/gone", "remove", "/tmp/gone"],
    ...["write", "/tmp/odd (deleted)", "odd", "hold", "/tmp/odd (deleted)"],
    ...["write", HOSTILE, "hostile", "hold", HOSTILE],
    ...["fill", "/tmp/mapped", "2", "map", "/tmp/mapped", "remove", "/tmp/mapped"],
    ...["fill", "/tmp/both", "1", "hold", "/tmp/both", "map", "/tmp/both", "remove", "/tmp/both"],
    ...["fill", ODD, "1", "map", ODD, "fill", LOST, "1", "map", LOST, "remove", LOST],
    ...["fill", "/tmp/there", "1", "map", "/tmp/there", "memory", "odd/name"],
    ...["write", "/tmp/memfd:file", "x", "hold", "/tmp/memfd:file", "remove", "/tmp/memfd:file"],
    ...["write", "/SYSV0000002a", "x", "hold", "/SYSV0000002a", "remove", "/SYSV0000002a"],
  ],
});
beforeAll(async () => {
  name = `pid:${target.pid}`;
});

async function lines(...options: string[]): Promise<Line[]> {
  const { text, code, stderr } = await someone.run(["ps", "--json", ...options, name]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return jsonLines(text);
}

test("ps lists processes with the numbers of their PID namespace", async () => {
  const { text, code } = await someone.run(["ps", name]);
  expect(code).toBe(0);
  const [head, first, ...rest] = text.split("\n");
  expect(head).toBe("PID USER COMMAND");
  expect(first).toMatch(/^ {2}1 0 {4}\/workload tmpfs \/tmp write /);
  expect(rest).toEqual([""]);
  expect(text).not.toContain("\x1b");
});

test("--json prints one object per line, with files only on request", async () => {
  const [process, ...rest] = await lines();
  expect(rest).toEqual([]);
  expect(process).toMatchObject({ pid: 1, uid: 0, user: null, command: "ready" });
  expect(process?.arguments.slice(0, 3)).toEqual(["/workload", "tmpfs", "/tmp"]);
  expect(process).not.toHaveProperty("files");
});

test("--files lists open files, and deleted files with the space that they hold", async () => {
  const files = (await lines("--files"))[0]?.files ?? [];
  expect(files.find(({ path }) => path === "/tmp/kept")).toMatchObject({
    kind: "file",
    size: 5,
    deleted: false,
    held: 0,
  });
  const gone = files.filter(({ path }) => path === "/tmp/gone");
  expect(gone).toHaveLength(2);
  for (const file of gone) expect(file).toMatchObject({ deleted: true, size: MIB, held: MIB, position: 0 });
});

test("a file whose name ends in ` (deleted)` is not reported as deleted", async () => {
  const files = (await lines("--files"))[0]?.files ?? [];
  expect(files.find(({ path }) => path.startsWith("/tmp/odd"))).toMatchObject({
    path: "/tmp/odd (deleted)",
    deleted: false,
  });
});

test("names are exact in JSON and escaped in the table", async () => {
  const files = (await lines("--files"))[0]?.files ?? [];
  expect(files.map(({ path }) => path)).toContain(HOSTILE);
  const { text } = await someone.run(["ps", "--files", name]);
  expect(text).toContain("/tmp/^[[31mred^Jline");
  expect(text).not.toContain("\x1b");
});

test("--deleted lists only deleted files, and counts a file that is open twice once", async () => {
  const { text, code } = await someone.run(["ps", "--deleted", name]);
  expect(code).toBe(0);
  expect(text).toMatch(/ +\d+ r +0 1048576 \/tmp\/gone \(deleted, 1\.0M held\)\n/);
  expect(text).not.toMatch(/ \/tmp\/kept$/m);
  expect(text).toMatch(/\n4 deleted files hold 2\.1M; 2 deleted files are only mapped, up to 3\.0M\n$/);
});

test("--deleted lists files that are only mapped, each once, with the mapped bytes", async () => {
  const { text } = await someone.run(["ps", "--deleted", name]);
  expect(text.match(/ \/tmp\/mapped \(deleted/g)).toHaveLength(1);
  expect(text).toMatch(/ +- rw +- 2097152 \/tmp\/mapped \(deleted, only mapped\)\n/);
  const [process] = await lines("--deleted");
  const mapped = process?.mapped ?? [];
  expect(mapped.find(({ path }) => path === "/tmp/mapped")).toEqual({
    path: "/tmp/mapped",
    access: "read and write",
    bytes: 2 * MIB,
    device: expect.stringMatching(/^0:\d+$/),
    inode: expect.any(Number),
  });
});

test("a mapped file whose name ends in ` (deleted)` is deleted only if that name does not exist", async () => {
  const paths = (await lines("--deleted"))[0]?.mapped?.map(({ path }) => path) ?? [];
  expect(paths.sort()).toEqual(["/tmp/mapped", LOST].sort());
});

test("a deleted file that is open and mapped is listed as open", async () => {
  const [process] = await lines("--files");
  expect(process?.files?.filter(({ path }) => path === "/tmp/both")).toMatchObject([{ deleted: true, held: MIB }]);
  expect(process?.mapped?.map(({ path }) => path)).not.toContain("/tmp/both");
});

test("memory that the kernel represents as a file is not reported as a deleted file", async () => {
  const { text } = await someone.run(["ps", "--deleted", name]);
  expect(text).not.toMatch(/ \/(memfd:odd|SYSV00000000|dev\/zero)/);
  const [process] = await lines("--files");
  expect(process?.files?.filter(({ path }) => path.startsWith("/memfd:"))).toMatchObject([
    { path: "/memfd:odd/name (deleted)", deleted: false, held: 0, size: MIB },
  ]);
  // These are names of deleted files. They may be at the root of a file system that is mounted by
  // the test.
  for (const path of ["/tmp/memfd:file", "/SYSV0000002a"])
    expect(process?.files?.find((file) => file.path === path)).toMatchObject({ deleted: true });
});

test("a deleted file can be read by cat and passed to a command", async () => {
  const fd = (await lines("--files"))[0]?.files?.find(({ path }) => path === "/tmp/gone")?.fd;
  const read = await someone.run(["cat", `${name}:/proc/1/fd/${fd}`]);
  expect(read).toMatchObject({ code: 0, stderr: "" });
  expect(read.stdout.length).toBe(MIB);
  const counted = await someone.run(["with", `${name}:/proc/1/fd/${fd}`, "--", "wc", "-c", "{}"]);
  expect(counted).toMatchObject({ code: 0, stderr: "", text: "1048576 /proc/self/fd/3\n" });
});

test("a path, a missing container and a missing process are refused", async () => {
  expect(await someone.run(["ps", "/tmp"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("it is not a container"),
  });
  expect(await someone.run(["ps", "nosuch"])).toMatchObject({ code: 3 });
  expect(await someone.run(["ps", "pid:2147483647"])).toMatchObject({
    code: 3,
    stderr: "porthole: no such process: 2147483647\n",
  });
});

describeAsRoot("ps for an ordinary user", () => {
  test("reports a process that this user may not enter", async () => {
    const other = user({ uid: ORDINARY_USER });
    const { code, stderr, text } = await other.run(["ps", name]);
    expect({ code, text }).toEqual({ code: 4, text: "" });
    expect(stderr).toMatch(/^porthole: cannot enter the namespaces of process \d+.*\n$/);
  });
});

describeAsRoot("processes whose numbers on the host are in another order", () => {
  test("are sorted by their numbers in the PID namespace", async () => {
    const inside = await sandbox({ userNamespace: false });
    const enter = [`--target=${inside.pid}`, "--pid"];
    for (const last of [2000, 1000]) {
      execFileSync("nsenter", [...enter, "sh", "-c", `echo ${last} > /proc/sys/kernel/ns_last_pid`]);
      const child = spawn("nsenter", [...enter, "--mount", "--root", "/workload"], { stdio: "ignore" });
      await waitFor("the process in the namespace", () => childrenOf(child.pid ?? 0).length === 1);
    }
    const { text } = await someone.run(["ps", `pid:${inside.pid}`]);
    const numbers = text
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((line) => Number.parseInt(line, 10));
    expect(numbers).toHaveLength(3);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    const json = await someone.run(["ps", "--json", `pid:${inside.pid}`]);
    expect(jsonLines<Line>(json.text).map(({ pid }) => pid)).toEqual(numbers);
  });
});
