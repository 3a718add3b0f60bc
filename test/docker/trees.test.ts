import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import {
  busyboxImage,
  type Container,
  container,
  type Engine,
  ended,
  engine,
  image,
  newVolume,
} from "../helpers/engine.ts";
import { ORDINARY_USER, rootlessUid } from "../helpers/machine.ts";
import { type Result, type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { sidecarsOf } from "./agents.ts";

/**
 * Starts a container with files in its image, its own layer, a tmpfs and a directory of the host.
 */
async function target(on: Engine): Promise<Container> {
  return container(on, {
    image: await image(on, [
      { name: "etc", type: "directory" },
      { name: "etc/same", content: "same\n" },
      { name: "etc/name", content: "of the image\n" },
      { name: "logs", type: "directory", mode: 0o777 },
      { name: "logs/app.log", content: "start\nerror: timeout\nend\n" },
      { name: "logs/deep", type: "directory" },
      { name: "logs/deep/other.log", content: "timeout twice\n" },
      { name: "shared", type: "directory" },
      { name: "shared/open", content: "first\n", mode: 0o666 },
      { name: "private", type: "directory", mode: 0o700 },
      { name: "current", type: "symlink", target: "/logs" },
      { name: "out", type: "symlink", target: "/etc/shadow" },
      { name: "climb", type: "symlink", target: "../../../../../../../../etc/shadow" },
      { name: "closed", content: "for root only\n", mode: 0o600 },
    ]),
    steps: ["write", "/tmp/note", "in memory"],
    host: { Tmpfs: { "/tmp": "mode=1777" } },
  });
}

function tests(name: Engine["name"], uid: () => number, route: "direct" | "sidecar"): void {
  let by: User;
  let web: Container;
  const at = (path: string) => `${web.name}:${path}`;
  const runWith = (targets: string[], ...command: string[]): Promise<Result> =>
    by.run(["with", "--route", route, ...targets, "--", ...command]);

  beforeAll(async () => {
    by = user({ uid: uid(), engine: engine(name) });
    web = await target(engine(name));
  });

  test("a command runs in the directory, and sees the files below it", async () => {
    expect(await runWith([at("/logs")], "grep", "-rc", "timeout", ".")).toMatchObject({ code: 0, stderr: "" });
    const { text, stderr, code } = await runWith([at("/logs")], "sh", "-c", "pwd; ls -R; cat app.log");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(text).toMatch(new RegExp(`/trees/${web.name}:/logs\\n`));
    expect(text).toContain("other.log");
    expect(text).toContain("error: timeout");
  });

  test("links on the way to the directory are followed inside the container", async () => {
    const { stderr, text } = await runWith([at("/current/deep")], "cat", "other.log");
    expect({ stderr, text }).toEqual({ stderr: "", text: "timeout twice\n" });
  });

  test("a tmpfs is included", async () => {
    expect(await runWith([at("/tmp")], "cat", "note")).toMatchObject({ code: 0, stderr: "", text: "in memory\n" });
  });

  test("two containers are compared under names that look like targets", async () => {
    const db = await container(engine(name), {
      image: await image(engine(name), [
        { name: "etc", type: "directory" },
        { name: "etc/same", content: "same\n" },
        { name: "etc/name", content: "of another\n" },
      ]),
    });
    const names = [`${web.name}:/etc`, `${db.name}:/etc`];
    const { text } = await runWith([at("/"), `${db.name}:/`], "diff", "-rq", ...names);
    expect(text).toContain(`Files ${web.name}:/etc/name and ${db.name}:/etc/name differ\n`);
    expect(text).not.toContain("same");
    expect((await runWith(names, "diff", "-rq", "{1}", "{2}")).text).toBe(text);
  });

  test("it cannot be written, and a link out of it is dangling", async () => {
    const { text } = await runWith(
      [at("/")],
      "sh",
      "-c",
      "for f in out climb; do cat $f 2>&1; done; touch logs/new 2>&1; echo x >>logs/app.log",
    );
    expect(text).toContain("out: Too many levels of symbolic links\n");
    expect(text).toContain("climb: Too many levels of symbolic links\n");
    expect(text).toMatch(/(Read-only file system|Permission denied)\n$/);
    expect((await by.run(["cat", at("/logs/app.log")])).text).toBe("start\nerror: timeout\nend\n");
  });

  test("with --follow-links links lead to the same files as in the container, and none of them is executed", async () => {
    const follow = (path: string, ...command: string[]) =>
      by.run(["with", "--route", route, "--follow-links", at(path), "--", ...command]);
    expect(await follow("/logs", "cat", "../current/app.log", "/etc/name")).toMatchObject({
      code: 0,
      stderr: "",
      text: "start\nerror: timeout\nend\nof the image\n",
    });
    expect(await follow("/current/deep/other.log", "wc", "-c", "{}")).toMatchObject({
      code: 0,
      text: "14 /logs/deep/other.log\n",
    });
    for (const out of ["out", "climb"]) {
      const { text, stderr } = await follow("/", "cat", out);
      expect({ text, stderr }).toEqual({ text: "", stderr: expect.stringContaining("No such file or directory") });
    }
    // Runs programs of the container, and reads paths through /proc.
    const { text } = await follow("/", "bash", "-c", "/workload 2>&1; pwd; echo proc/*; echo .porthole/*");
    expect(text).toMatch(/Permission denied\n\/\nproc\/\*\n\.porthole\/.*loader \.porthole\/run-bash\n$/);
    expect((await follow("/logs", "sh", "-c", "echo x > app.log")).stderr).toContain("Read-only file system");
  });

  test("--rw writes a file that every user may write, below a directory that only root may write", async () => {
    const words = ["--rw", "--route", route, at("/shared"), "--", "sh", "-c", "echo second >> open; cat open"];
    const { code, text, stderr } = await by.run(["with", ...words]);
    expect({ code, text, stderr }).toEqual({ code: 0, text: "first\nsecond\n", stderr: "" });
  });

  test("a directory that its mode denies this user is refused in one line", async () => {
    if (by.uid === 0 || route === "direct") return;
    const { code, stderr } = await runWith([at("/private")], "ls");
    expect(code).toBe(125);
    expect(stderr).toMatch(
      /^porthole: the command cannot open .*: Permission denied \(the command has your rights; .*\n$/,
    );
  });

  test("a file that its mode denies this user is read as standard input only", async () => {
    const isOwners = by.uid === 0 || route === "direct";
    const { code, text, stderr } = await runWith([at("/closed")], "cat", "{}");
    if (isOwners) {
      expect({ code, text, stderr }).toEqual({ code: 0, text: "for root only\n", stderr: "" });
      return;
    }
    expect(code).toBe(125);
    expect(stderr).toMatch(
      /^porthole: the command cannot open .*: Permission denied \(pass it as standard input: .*\n$/,
    );
    expect(await runWith([at("/closed")], "cat")).toMatchObject({ code: 0, text: "for root only\n" });
  });

  test("every mount, sidecar and file is removed", async () => {
    await runWith([at("/logs")], "true");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("/trees");
    expect(readdirSync(`${by.directory}/state/porthole/trees`)).toEqual([]);
    await by.run(["detach", web.name]);
    await waitFor("the sidecars to be removed", async () => (await sidecarsOf(engine(name), web)).length === 0);
  });
}

describeWith(["root", "docker"], "trees of a container of Docker, for root", () => tests("docker", () => 0, "direct"));
describeWith(["root", "podman"], "trees of a container of Podman, for root", () => tests("podman", () => 0, "direct"));
describeWith(["root", "docker", "userNamespaces"], "trees for a user with only Docker's socket", () =>
  tests("docker", () => ORDINARY_USER, "sidecar"),
);
describeWith(["root", "remappedDocker", "userNamespaces"], "trees behind userns-remap, by the socket alone", () =>
  tests("remappedDocker", () => ORDINARY_USER, "sidecar"),
);
describeWith("rootlessDocker", "trees for the owner of a rootless Docker", () =>
  tests("rootlessDocker", () => rootlessUid() ?? 0, "direct"),
);
describeWith("rootlessPodman", "trees for the owner of a rootless Podman", () =>
  tests("rootlessPodman", () => rootlessUid() ?? 0, "direct"),
);

describeWith(["root", "docker", "userNamespaces"], "trees where this user may make no user namespace", () => {
  test("one line reports that, and a single file is passed by descriptor", async () => {
    const on = engine("docker");
    const by = user({ uid: ORDINARY_USER, engine: on });
    const web = await target(on);
    // The limit applies to a new user namespace: the limit of the host is unchanged.
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all -- "$@"';
    const before = ["unshare", "--map-root-user", "sh", "-c", script, "sh"];
    const runWith = (path: string, ...command: string[]) =>
      by.run(["with", "--route", "sidecar", `${web.name}:${path}`, "--", ...command], { before });
    const directory = await runWith("/logs", "ls");
    expect([directory.code, directory.stderr]).toEqual([
      125,
      expect.stringMatching(
        /^porthole: cannot attach .*: this system refuses user namespaces .*are passed by descriptor.*\n$/,
      ),
    ]);
    const file = await runWith("/logs/app.log", "wc", "-l", "{}");
    expect([file.code, file.text]).toEqual([0, "3 /proc/self/fd/3\n"]);
    expect(file.stderr).toMatch(/^porthole: .* is passed by descriptor: .* refuses user namespaces .*\n$/);
  });
});

describeWith(["root", "docker", "userNamespaces"], "trees of what does not run", () => {
  describe.each([
    { uid: 0, who: "root" },
    { uid: ORDINARY_USER, who: "a user with only the engine's socket" },
  ])("for $who", ({ uid }) => {
    test("a stopped container with its volume, the volume, and the image", async () => {
      const on = engine("docker");
      const by = user({ uid, engine: on });
      const volume = await newVolume(on);
      const script = "mkdir -p /logs; echo own > /logs/own; echo kept > /data/kept; ln -s /logs /link";
      const { name } = await ended(on, { script, host: { Binds: [`${volume}:/data`] } });
      const read = async (...args: string[]) => {
        const { code, stderr, text } = await by.run(["with", ...args]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        return text;
      };
      expect(await read(`${name}:/link`, "--", "cat", "own")).toBe("own\n");
      expect(await read(`${name}:/data`, `volume:${volume}:/`, "--", "diff", "-r", "{1}", "{2}")).toBe("");
      expect(await read(`image:${await busyboxImage(on)}:/`, "--", "ls", "bin")).toBe("busybox\nsh\n");
      const { text } = await by.run(["with", `${name}:/logs`, "--", "sh", "-c", "echo x 2>&1 >new"]);
      expect(text).toContain("Read-only file system");
    });
  });
});
