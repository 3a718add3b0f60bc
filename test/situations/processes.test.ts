import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { expect, type TestContext, test } from "vitest";
import { describeAsRoot, describeWith } from "../helpers/availability.ts";
import { type CgroupView, inView } from "../helpers/cgroup-view.ts";
import { witness } from "../helpers/compatibility.ts";
import { engine } from "../helpers/engine.ts";
import { asUser, ORDINARY_USER, OTHER_USER } from "../helpers/machine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { bundle, containerdContainer, runtimeContainer, started, workloadBelow } from "../helpers/oci.ts";
import { user } from "../helpers/porthole.ts";

const section = "Without an engine's API" as const;
const steps = ["write", "/tmp/f", "text"];

/** Reads the file of a target over `pid:`, as `uid`. */
async function reads(
  context: TestContext,
  pid: number,
  situation: string,
  on: string,
  uid = 0,
  path = "/tmp/f",
): Promise<void> {
  const by = user({ uid });
  const result = await witness(context, {
    ...{ section, situation, on, by, names: {} },
    args: ["cat", "--trace", `pid:${pid}:${path}`],
  });
  expect(result).toMatchObject({ code: 0, text: "text\n" });
  expect(result.stderr).toContain("route direct, new agent");
  await by.close();
}

describeWith(["root", "userNamespaces"], "namespaces of unshare", () => {
  test.for([
    { uid: 0, what: "unshare: mount and PID namespace", userNamespace: false },
    { uid: ORDINARY_USER, what: "unshare: user, mount and PID namespace", userNamespace: true },
  ])("$what, by uid $uid", async ({ uid, what, userNamespace }, context) => {
    const target = await sandbox({ steps: ["tmpfs", "/tmp", ...steps], uid, userNamespace });
    context.onTestFinished(() => target.stop());
    await reads(context, target.pid, what, "unshare", uid);
  });

  test("of another user and of root are refused with a remedy", async (context) => {
    const theirs = await sandbox({ steps, uid: ORDINARY_USER });
    context.onTestFinished(() => theirs.stop());
    for (const [pid, whose] of [
      [theirs.pid, "another user's namespaces"],
      [process.pid, "root's process"],
    ] as const) {
      const result = await witness(context, {
        ...{ section, situation: whose, on: "unshare", by: user({ uid: OTHER_USER }), names: {} },
        args: ["cat", `pid:${pid}:/tmp/f`],
      });
      expect(result).toMatchObject({ code: 4, text: "" });
      expect(result.stderr).toMatch(/permission denied \(run as root or as the owner of its user namespace\)\n$/);
    }
  });
});

describeAsRoot("a process with its own root directory or /tmp", () => {
  test("chroot", async (context) => {
    const { root } = bundle();
    const target = await started(["chroot", root, "/workload", ...steps], (pid) => pid);
    context.onTestFinished(() => target.stop());
    await reads(context, target.pid, "chroot, no namespace at all", "chroot");
  });

  test("as a systemd unit with PrivateTmp=", async (context) => {
    const { root } = bundle();
    const script = 'mount -t tmpfs tmpfs /tmp && exec "$@"';
    // The program is outside of the directory that the new /tmp covers.
    const place = `/run/porthole-test-${process.pid}`;
    expect(spawnSync("cp", [`${root}/workload`, place]).status).toBe(0);
    context.onTestFinished(() => void spawnSync("rm", ["-f", place]));
    const command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", place, ...steps];
    const target = await started(command, (pid) => pid);
    context.onTestFinished(() => target.stop());
    await reads(context, target.pid, "a mount namespace with a /tmp of its own, as PrivateTmp= makes it", "unshare");
  });
});

describeWith(["root", "bwrap", "userNamespaces"], "bubblewrap", () => {
  test.for([0, ORDINARY_USER])("started by uid %i", async (uid, context) => {
    const { root } = bundle();
    const inside = [
      "--bind",
      root,
      "/",
      "--proc",
      "/proc",
      "--dev",
      "/dev",
      "--tmpfs",
      "/tmp",
      "--unshare-all",
      "--die-with-parent",
    ];
    const command = [...asUser(uid), "bwrap", ...inside, "/workload", ...steps];
    const target = await started(command, workloadBelow);
    context.onTestFinished(() => target.stop());
    await reads(context, target.pid, "bubblewrap, everything unshared", version("bwrap"), uid);
  });
});

const devices = ["dir", "/d", "node", "/d/kmsg", "1", "11", "node", "/d/null", "1", "3"];

/** Checks a device that the container has made but may not open, and a device that it may open. */
async function deviceRules(
  context: TestContext,
  pid: number,
  situation: string,
  on: string,
  before: string[],
): Promise<void> {
  const by = user();
  const what = { section: "Devices" as const, on, by, names: {}, options: { before } };
  const refused = await witness(context, {
    ...what,
    situation: `${situation}: a node for /dev/kmsg made inside`,
    args: ["cat", `pid:${pid}:/d/kmsg`],
  });
  expect(refused).toMatchObject({ code: 1, text: "" });
  expect(refused.stderr).toMatch(/Operation not permitted\n$/);
  const allowed = await witness(context, {
    ...what,
    situation: `${situation}: a node for /dev/null made inside`,
    args: ["cat", `pid:${pid}:/d/null`],
  });
  expect(allowed).toMatchObject({ code: 0, stderr: "" });
  await by.close();
}

describeWith(["runc", "cgroups"], "runc without an engine", () => {
  test.for<CgroupView>(["as it is", "v2"])("control groups %s", async (view, context) => {
    const target = await runtimeContainer("runc", [...steps, ...devices], view);
    context.onTestFinished(() => target.stop());
    const on = version("runc");
    const groups = view === "v2" ? "cgroup v2 alone" : "cgroup v1";
    await reads(context, target.pid, `runc run, ${groups}`, on);
    await deviceRules(context, target.pid, groups, on, []);
    // This also covers a machine with only v2: the agent determines the version by its mounts.
    if (view === "v2") await deviceRules(context, target.pid, `${groups}, for porthole too`, on, inView(view));
  });
});

describeWith(["crun", "cgroups"], "crun without an engine", () => {
  test("control groups of v1", async (context) => {
    const target = await runtimeContainer("crun", [...steps, ...devices], "v1");
    context.onTestFinished(() => target.stop());
    await reads(context, target.pid, "crun run", version("crun"));
  });
});

describeWith(["docker", "ctr"], "containerd without Docker", () => {
  test("reads a container of ctr in its own namespace", async (context) => {
    const socket = `${dirname(engine("docker").socket)}/exec/containerd/containerd.sock`;
    const target = await containerdContainer(socket, ["dir", "/d", "write", "/d/f", "text"]);
    context.onTestFinished(() => target.stop());
    await reads(context, target.pid, "ctr run", version("ctr"), 0, "/d/f");
  });
});

/** Returns the version of a program: `runc 1.1`. */
function version(command: string): string {
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return `${command} ${/\b(\d+\.\d+)/.exec(stdout)?.[1] ?? ""}`.trim();
}
