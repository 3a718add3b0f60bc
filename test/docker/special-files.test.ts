import { beforeAll, describe, expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

describeWithDocker("special files in a container", () => {
  describe.each([
    { route: "direct", uid: 0 },
    { route: "sidecar", uid: 0 },
    { route: "sidecar", uid: ORDINARY_USER },
    { route: "mount", uid: 0 },
  ])("over route $route as uid $uid", ({ route, uid }) => {
    let someone: User;
    let target: Container;
    const cat = (path: string) => ["cat", "--route", route, `${target.name}:${path}`];
    const consume = (path: string) => ["cat", "--consume", "--route", route, `${target.name}:${path}`];

    beforeAll(async () => {
      someone = user({ uid, engine: engine("docker") });
      target = await container(engine("docker"), {
        steps: [
          ...["dir", "/d", "fifo", "/d/fed", "feed", "/d/fed", "through a pipe\n", "fifo", "/d/quiet"],
          // The container may create these device nodes, but its device rules forbid opening them:
          // the kernel's log and memory.
          ...["node", "/d/kmsg", "1", "11", "node", "/d/mem", "1", "1"],
        ],
        host: {
          CapAdd: ["MKNOD"],
          Devices: [{ PathOnHost: "/dev/loop-control", PathInContainer: "/dev/loop-control", CgroupPermissions: "r" }],
          Binds: route === "mount" ? await mountBinds(someone) : [],
        },
      });
    });

    test("reading /dev/zero ends with its reader without a message", async () => {
      const { code, stdout, stderr } = await someone.run(cat("/dev/zero"), {
        before: ["sh", "-c", '"$@" | head -c 1000000', "sh"],
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.equals(Buffer.alloc(1_000_000))).toBe(true);
    });

    test("/dev/urandom gives different bytes each time", async () => {
      const head = { before: ["sh", "-c", '"$@" | head -c 4096', "sh"] };
      const [one, two] = [await someone.run(cat("/dev/urandom"), head), await someone.run(cat("/dev/urandom"), head)];
      expect([one.stdout.length, two.stdout.length]).toEqual([4096, 4096]);
      expect(one.stdout.equals(two.stdout)).toBe(false);
    });

    test("/dev/null is empty", async () => {
      expect(await someone.run(cat("/dev/null"))).toMatchObject({ code: 0, stderr: "", text: "" });
    });

    test("a FIFO gives the written data, then ends", async () => {
      expect(await someone.run(consume("/d/fed"))).toMatchObject({ code: 0, stderr: "", text: "through a pipe\n" });
    });

    test("a FIFO without a writer waits, and an interrupt ends the wait", async () => {
      const waiting = someone.start(["cat", "--trace", ...consume("/d/quiet").slice(1)]);
      waiting.stdout.resume();
      await waitFor("the FIFO to be open", () => waiting.complaints().includes("route "));
      expect(waiting.child.exitCode).toBe(null);
      waiting.child.kill("SIGINT");
      expect(await waiting.ended).toEqual({ code: null, signal: "SIGINT" });
    });

    test.for(["/d/kmsg", "/d/mem"])("a device that the container may not open is refused: %s", async (path) => {
      const result = await someone.run(consume(path));
      expect(result).toMatchObject({ code: 1, text: "" });
      expect(result.stderr).toBe(`porthole: cannot open ${target.name}:${path}: Operation not permitted\n`);
    });

    test("a device of the container is opened", async () => {
      // Its driver has no read function: the kernel reports that only after a successful open.
      const result = await someone.run(["cat", "--trace", ...consume("/dev/loop-control").slice(1)]);
      expect(result.stderr).toMatch(/^Got file descriptor for '\/dev\/loop-control'\n/);
      expect(result).toMatchObject({ code: 1, text: "" });
    });

    test("files of /proc and /sys, whose size is 0, are read completely", async () => {
      const result = await someone.run([...cat("/proc/1/mountinfo"), `${target.name}:/proc/1/cmdline`]);
      expect(result.stderr).toBe("");
      expect(result.text).toMatch(/ \/ .* - overlay /);
      expect(result.text).toMatch(/\/workload\0dir\0/);
    });
  });
});
