import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { libc, Memory } from "../../src/descriptors/libc.ts";
import { connect } from "../../src/sessions/connect.ts";
import { describeWithDocker } from "../helpers/availability.ts";
import { note, witness } from "../helpers/compatibility.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";

const section = "Devices" as const;
const given = (path: string, CgroupPermissions = "rwm") => ({
  PathOnHost: path,
  PathInContainer: path,
  CgroupPermissions,
});

describeWithDocker("devices of a container", () => {
  describe.each([
    { route: "direct", uid: 0 },
    { route: "mount", uid: 0 },
    { route: "sidecar", uid: 0 },
    { route: "sidecar", uid: ORDINARY_USER },
  ] as const)("over route $route as uid $uid", ({ route, uid }) => {
    let by: User;
    let target: Container;
    const looks = (path: string) => ["cat", "--consume", "--trace", "--route", route, `${target.name}:${path}`];
    const what = () => ({ section, on: engine("docker"), by, names: { [target.name]: "web" } });

    beforeAll(async () => {
      by = user({ uid, engine: engine("docker") });
      target = await container(engine("docker"), {
        // Nodes that the container creates: of the kernel's log, of the first loop device, of the
        // null device.
        steps: [
          ...[
            "dir",
            "/d",
            "node",
            "/d/kmsg",
            "1",
            "11",
            "node",
            "/d/loop-control",
            "10",
            "237",
            "node",
            "/d/null",
            "1",
            "3",
          ],
          ...["node", "/d/full", "1", "7"],
        ],
        host: {
          CapAdd: ["MKNOD"],
          Devices: [given("/dev/net/tun"), given("/dev/kmsg", "w")],
          DeviceCgroupRules: ["c 10:237 r"],
          Binds: route === "mount" ? await mountBinds(by) : [],
        },
      });
    });

    test("a tun device of --device is opened, and answers an ioctl on the received descriptor", async (context) => {
      vi.stubEnv("XDG_STATE_HOME", `${by.directory}/state`);
      onTestFinished(() => {
        vi.unstubAllEnvs();
      });
      // This process, which is root, uses the descriptor. So the agent's user does not matter.
      if (uid === 0) {
        const session = await connect(target.name, { engine: engine("docker").socket, route });
        try {
          const file = await session.open("/dev/net/tun", { write: true, consume: true });
          const features = new Memory(4);
          // TUNGETFEATURES of linux/if_tun.h: _IOR('T', 207, unsigned int).
          expect(libc.ioctl(file.fd, 0x800454cf, features.address)).toBe(0);
          // The bits are IFF_TUN and IFF_TAP.
          expect(features.view.getUint32(0, true) & 3).toBe(3);
          file.close();
        } finally {
          session.close();
        }
      }
      const result = await witness(context, {
        ...what(),
        situation: "tun, given with --device",
        args: ["stat", "--route", route, `${target.name}:/dev/net/tun`],
      });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      const opened = await by.run(looks("/dev/net/tun"));
      // A read of a tun device that is not set up fails, after a successful open.
      expect(opened.stderr).toMatch(/^Got file descriptor for '\/dev\/net\/tun'\n/);
      await note(context, {
        ...what(),
        situation: "tun, given with --device",
        command: `porthole cat --route ${route} web:/dev/net/tun`,
        outcome: "opened; the descriptor answers ioctl TUNGETFEATURES with IFF_TUN and IFF_TAP",
      });
    });

    test("a --device with w only cannot be read", async (context) => {
      const result = await witness(context, {
        ...what(),
        situation: "kmsg, given with --device ...:w, read",
        args: looks("/dev/kmsg"),
      });
      expect(result).toMatchObject({ code: 1, text: "" });
      expect(result.stderr).toMatch(/cannot open \S+: Operation not permitted\n/);
    });

    test("a node created inside is opened with --device-cgroup-rule", async (context) => {
      const result = await by.run(looks("/d/loop-control"));
      expect(result.stderr).toMatch(/^Got file descriptor for '\/d\/loop-control'\n/);
      await note(context, {
        ...what(),
        situation: "loop-control, allowed by --device-cgroup-rule, node made inside",
        command: `porthole cat --route ${route} web:/d/loop-control`,
        outcome: "opened (it has nothing to read)",
      });
    });

    test("a node created inside is refused if its device is not allowed, and opened if it is", async (context) => {
      const kmsg = await witness(context, {
        ...what(),
        situation: "/dev/kmsg's numbers, node made inside",
        args: looks("/d/kmsg"),
      });
      expect(kmsg).toMatchObject({ code: 1, text: "" });
      expect(kmsg.stderr).toMatch(/cannot open \S+: Operation not permitted\n/);
      const nothing = await witness(context, {
        ...what(),
        situation: "/dev/null's numbers, node made inside",
        args: looks("/d/null"),
      });
      expect(nothing).toMatchObject({ code: 0, text: "" });
      const full = await by.run(["head", "--route", route, "-c", "3", `${target.name}:/d/full`]);
      expect(full.stdout).toEqual(Buffer.alloc(3));
    });

    test("ptmx creates a terminal of the container", async (context) => {
      vi.stubEnv("XDG_STATE_HOME", `${by.directory}/state`);
      onTestFinished(() => {
        vi.unstubAllEnvs();
      });
      const result = await witness(context, {
        ...what(),
        situation: "ptmx",
        args: ["stat", "--route", route, `${target.name}:/dev/pts/ptmx`],
      });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      if (uid !== 0) return;
      const session = await connect(target.name, { engine: engine("docker").socket, route });
      onTestFinished(() => session.close());
      const file = await session.open("/dev/ptmx", { write: true, consume: true });
      const number = new Memory(4);
      // TIOCGPTN: the number of the terminal, which now exists in the container's /dev/pts.
      expect(libc.ioctl(file.fd, 0x80045430, number.address)).toBe(0);
      const slave = await session.stat(`/dev/pts/${number.view.getUint32(0, true)}`);
      expect(slave.rdev.major).toBe(136);
      file.close();
    });
  });

  test("a loop device over a file is read", async (context) => {
    const by = user({ engine: engine("docker") });
    const image = `${by.directory}/home/image`;
    spawnSync("sh", ["-c", 'printf "block device " > "$1" && truncate -s 1M "$1"', "sh", image]);
    const { stdout, status } = spawnSync("losetup", ["--find", "--show", "--read-only", image], { encoding: "utf8" });
    // A machine may have no free loop device. Then the test is empty, and the page has no row.
    expect(status).toBe(0);
    const loop = stdout.trim();
    onTestFinished(() => void spawnSync("losetup", ["--detach", loop]));
    const Devices = [{ PathOnHost: loop, PathInContainer: "/dev/disk", CgroupPermissions: "r" }];
    const target = await container(engine("docker"), { host: { Devices } });
    for (const route of ["direct", "sidecar"]) {
      const result = await witness(context, {
        ...{
          section,
          situation: "a loop device, given with --device",
          on: engine("docker"),
          by,
          names: { [target.name]: "web" },
        },
        args: ["head", "--route", route, "-c", "12", `${target.name}:/dev/disk`],
      });
      expect(result).toMatchObject({ code: 0, stderr: "", text: "block device" });
    }
    expect(readFileSync(image)).toHaveLength(1 << 20);
  });
});
