import { beforeAll, expect, inject, test } from "vitest";
import { describeAsRoot } from "../helpers/availability.ts";
import { compileFixture } from "../helpers/fuse.ts";
import { sandbox, sandboxOfTests } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";

/** Numbers of system calls. They are the same on every architecture of porthole. */
const OPEN_TREE = "428";
const MOVE_MOUNT = "429";
const OPENAT2 = "437";
const MOUNT_SETATTR = "442";

let program: string;
const someone = user();
beforeAll(() => {
  program = `${inject("machine").directory}/old-kernel`;
  compileFixture("old-kernel", program);
});
const without = (...calls: string[]) => ({ before: [program, ...calls, "--"] });

test.each([
  [[OPENAT2], "fail kernel", "openat2(2) is not available", "use Linux 5.8 or newer"],
  [[OPEN_TREE], "warn trees", "open_tree(2) (Linux 5.2): with, shell and mount", "use Linux 5.14 or newer"],
  [[MOUNT_SETATTR], "warn trees", "mount_setattr(2) (Linux 5.12): with", "use Linux 5.14 or newer"],
  [[MOVE_MOUNT], "warn trees", "move_mount(2) (Linux 5.2): with, shell and mount", "use Linux 5.14 or newer"],
] as const)(
  "doctor names the missing call %j as a %s, with the affected commands and the remedy",
  async (calls, is, what, remedy) => {
    const { text } = await someone.run(["doctor"], without(...calls));
    const [status, ...name] = is.split(" ");
    const line = text.split("\n").find((each) => each.startsWith(`${status?.padEnd(5)} ${name.join(" ")}: `));
    expect(line).toContain(what);
    expect(line).toContain(`  -> ${remedy}`);
  },
);

/** Options of SOL_SOCKET, and the word of the fixture for statx's mount ids. */
const PEERPIDFD = "option:77";
const PASSRIGHTS = "option:83";
const MOUNT_ID = "mount-id";

test.each([
  [[PEERPIDFD], "openat2, statx; works without SO_PEERPIDFD (Linux 6.5)"],
  [[PASSRIGHTS], "openat2, statx; works without SO_PASSRIGHTS (Linux 6.16)"],
  [[PEERPIDFD, PASSRIGHTS], "works without SO_PEERPIDFD (Linux 6.5), SO_PASSRIGHTS (Linux 6.16)"],
])("doctor names %j as missing, which is no fault", async (absent, what) => {
  const { text } = await someone.run(["doctor"], without(...absent));
  expect(text.split("\n").find((line) => line.startsWith("ok    kernel: "))).toContain(what);
});

describeAsRoot("on an older kernel", () => {
  let file: string;
  beforeAll(async () => {
    const { pid } = await sandbox({ steps: ["dir", "/tmp/d", "write", "/tmp/d/f", "text"] });
    file = `pid:${pid}:/tmp/d/f`;
  });

  test("without SO_PEERPIDFD and SO_PASSRIGHTS cat reads a process's file", async () => {
    const old = without(PEERPIDFD, PASSRIGHTS);
    expect(await someone.run(["cat", file], old)).toMatchObject({ code: 0, text: "text\n" });
  });

  test("without mount ids no agent starts, in one line, and doctor says so", async () => {
    const fresh = user();
    const { code, text, stderr } = await fresh.run(["cat", file], without(MOUNT_ID));
    expect([code, text]).toEqual([4, ""]);
    expect(stderr).toMatch(
      /^porthole: [^\n]*: this kernel's statx\(2\) returns no mount id: Linux 5\.8 or newer is needed\n$/,
    );
    const found = await fresh.run(["doctor"], without(MOUNT_ID));
    expect(found.code).toBe(1);
    const line = found.text.split("\n").find((each) => each.startsWith("fail  kernel: "));
    expect(line).toContain("statx(2) returns no mount id");
    expect(line).toContain("  -> use Linux 5.8 or newer");
  });
});

describeAsRoot("on a kernel without trees", () => {
  let directory: string;
  const target = sandboxOfTests({ steps: ["dir", "/tmp/d", "write", "/tmp/d/f", "text"] });
  beforeAll(async () => {
    directory = `pid:${target.pid}:/tmp/d`;
  });

  test.each([
    [OPEN_TREE, "this kernel has no open_tree(2): Linux 5.2 or newer is needed\n"],
    [MOUNT_SETATTR, "this kernel has no mount_setattr(2): Linux 5.12 or newer is needed\n"],
  ])("with refuses a directory in one line and passes a file, and grep searches (call %s)", async (call, why) => {
    const refused = await someone.run(["with", directory, "--", "ls"], without(call));
    expect(refused).toMatchObject({ code: 125, text: "", stderr: expect.stringMatching(/^porthole: [^\n]*\n$/) });
    expect(refused.stderr).toContain(why);
    const file = await someone.run(["with", `${directory}/f`, "--", "cat"], without(call));
    expect(file).toMatchObject({ code: 0, text: "text\n" });
    const found = await someone.run(["grep", "-l", "text", directory], without(call));
    expect(found).toMatchObject({ code: 0, text: `${directory}/f\n` });
  });
});
