import type Docker from "dockerode";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { witness } from "../helpers/compatibility.ts";
import {
  busyboxImage,
  type Container,
  container,
  created,
  type Engine,
  engine,
  image,
  newVolume,
} from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type User, user } from "../helpers/porthole.ts";

const docker = engine("docker");

const steps = ["dir", "/d", "write", "/d/f", "text"];
const file = "/d/f";

interface Situation {
  what: string;
  /** Creates the container, and returns the file of it to read. The expected content is `text`. */
  make(on: Engine, release: (undo: () => Promise<unknown>) => void): Promise<{ target: Container; path: string }>;
}

/** Starts a container with these options of the engine's API, whose workload writes the file. */
function plain(what: string, host: Docker.HostConfig, more: { user?: string; path?: string } = {}): Situation {
  const { path = file, ...rest } = more;
  const work = path === file ? steps : ["write", path, "text"];
  return { what, make: async (on) => ({ target: await container(on, { steps: work, host, ...rest }), path }) };
}

/**
 * Denies the system calls that an agent inside would need. The routes from outside are not
 * affected.
 */
const DENYING = JSON.stringify({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["openat2", "connect", "sendmsg", "ptrace", "pidfd_open"], action: "SCMP_ACT_ERRNO" }],
});

const situations: Situation[] = [
  plain("FROM scratch", {}),
  {
    what: "busybox",
    make: async (on) => ({
      target: await container(on, { image: await busyboxImage(on), steps: ["write", "/tmp/f", "text"] }),
      path: "/tmp/f",
    }),
  },
  {
    what: "distroless-like: no shell, a user and certificates only",
    make: async (on) => {
      const files = [
        { name: "etc", type: "directory" as const },
        { name: "etc/passwd", content: "nonroot:x:65532:65532::/home/nonroot:/sbin/nologin\n" },
        { name: "home", type: "directory" as const, mode: 0o1777 },
      ];
      const target = await container(on, {
        image: await image(on, files),
        user: "65532:65532",
        steps: ["write", "/home/f", "text"],
      });
      return { target, path: "/home/f" };
    },
  },
  plain("read-only root, the file in a tmpfs", { ReadonlyRootfs: true, Tmpfs: { "/tmp": "" } }, { path: "/tmp/f" }),
  plain("uid 1000", { Tmpfs: { "/tmp": "mode=1777" } }, { user: "1000", path: "/tmp/f" }),
  plain("--cap-drop ALL", { CapDrop: ["ALL"] }),
  plain("--security-opt no-new-privileges", { SecurityOpt: ["no-new-privileges"] }),
  plain("a seccomp profile that denies openat2, connect and sendmsg", { SecurityOpt: [`seccomp=${DENYING}`] }),
  plain("--pid host", { PidMode: "host" }),
  {
    what: "--pid container:OTHER",
    make: async (on) => {
      const other = await container(on, { steps: ["dir", "/d", "write", file, "not this one"] });
      return { target: await container(on, { steps, host: { PidMode: `container:${other.id}` } }), path: file };
    },
  },
  {
    // --privileged includes CAP_SYS_RESOURCE, which Docker itself must have for that.
    // podman.test.ts tests the flag.
    what: "all that --privileged gives but CAP_SYS_RESOURCE",
    make: async (on) => {
      const host = {
        CapAdd: ["ALL"],
        SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined"],
        DeviceCgroupRules: ["a *:* rwm"],
        // With ALL, newer versions give the capabilities that they have themselves, and refuse to
        // drop one that they lack.
        ...(Number.parseInt((await on.api.version()).Version, 10) < 28 && !on.isPodman
          ? { CapDrop: ["SYS_RESOURCE"] }
          : {}),
      };
      return { target: await container(on, { steps, host }), path: file };
    },
  },
  plain("--network host", { NetworkMode: "host" }),
  plain("--memory 16m --pids-limit 8", { Memory: 16 << 20, PidsLimit: 8 }),
  {
    what: "a volume",
    make: async (on, release) => {
      const name = await newVolume(on);
      const target = await container(on, { steps: ["write", "/v/f", "text"], host: { Binds: [`${name}:/v`] } });
      release(() => target.remove());
      return { target, path: "/v/f" };
    },
  },
  {
    what: "mounts in mounts: a tmpfs in a volume in a bind mount",
    make: async (on, release) => {
      const name = await newVolume(on);
      const by = user();
      const host = { Binds: [`${by.directory}/home:/b`, `${name}:/b/v`], Tmpfs: { "/b/v/t": "" } };
      const target = await container(on, { steps: ["write", "/b/v/t/f", "text"], host });
      release(() => target.remove());
      return { target, path: "/b/v/t/f" };
    },
  },
];

describeWithDocker("each kind of container", () => {
  describe.each([
    { who: "root", uid: 0, route: "direct" },
    { who: "a user who is only in the engine's group", uid: ORDINARY_USER, route: "sidecar" },
  ])("read by $who", ({ uid, route }) => {
    let by: User;
    beforeAll(() => {
      by = user({ uid, engine: engine("docker") });
    });

    test.for(situations)("$what", async ({ what, make }, context) => {
      const undo: (() => Promise<unknown>)[] = [];
      context.onTestFinished(async () => {
        for (const step of undo.reverse()) await step();
      });
      const { target, path } = await make(docker, (step) => undo.push(step));
      const result = await witness(context, {
        section: "Containers",
        situation: what,
        on: docker,
        by,
        args: ["cat", "--trace", `${target.name}:${path}`],
        names: { [target.name]: "web" },
      });
      expect(result).toMatchObject({ code: 0, text: "text\n" });
      expect(result.stderr).toContain(`route ${route}, new agent`);
    });

    test("gives the same files with --init, which makes the program the second process", async (context) => {
      // Do not wait for it by its name: the first process is the engine's own.
      const { name, handle } = await created(docker, { steps, host: { Init: true } });
      await handle.start();
      const what = {
        section: "Containers" as const,
        situation: "--init",
        on: docker,
        by,
        args: ["tail", "-F", "-n", "+1", `${name}:${file}`],
        names: { [name]: "web" },
      };
      // tail waits for the file, even if the two processes start late.
      const following = by.start(what.args);
      const first = await new Promise((resolve) => following.stdout.once("data", resolve));
      expect(String(first)).toBe("text\n");
      following.child.kill("SIGTERM");
      await following.ended;
      const result = await witness(context, { ...what, args: ["cat", "--trace", `${name}:${file}`] });
      expect(result).toMatchObject({ code: 0, text: "text\n" });
      const first1 = await by.run(["cat", `${name}:/proc/1/cmdline`]);
      expect(first1.text).toMatch(/docker-init|tini/);
    });
  });
});
