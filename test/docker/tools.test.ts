import type Docker from "dockerode";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWith, describeWithDocker } from "../helpers/availability.ts";
import { type Container, container, engine, image } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { jsonLines, mountBinds, type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { listedAgents } from "./agents.ts";

const MIB = 1024 * 1024;

/**
 * Starts a container that has two deleted files open: one from its own layer, the other from the
 * image. It has a user name for 1000.
 */
async function holder(host: Docker.HostConfig = {}): Promise<Container> {
  const docker = engine("docker");
  return container(docker, {
    image: await image(docker, [
      { name: "etc", type: "directory" },
      { name: "etc/passwd", content: "root:x:0:0::/:/none\napp:x:1000:1000::/:/none\n" },
      { name: "data", type: "directory", mode: 0o777 },
      { name: "data/of-image", content: "of the image\n", mode: 0o666 },
      { name: "data/x.json", content: '{"name":"web","list":[1,2]}\n' },
      { name: "data/secret", content: "for root only\n", mode: 0o600 },
    ]),
    user: "1000",
    steps: [
      ...["hold", "/data/of-image", "remove", "/data/of-image"],
      ...["fill", "/data/log", "2", "hold", "/data/log", "remove", "/data/log"],
      ...["write", "/data/a.log", "one", "write", "/data/b.log", "two"],
    ],
    host,
  });
}

interface ListedFile {
  fd: number;
  path: string;
  deleted: boolean;
  held: number;
}

describeWithDocker("ps and deleted files in a container", () => {
  describe.each([
    { route: "direct", uid: 0 },
    { route: "mount", uid: 0 },
    { route: "sidecar", uid: ORDINARY_USER },
  ])("over route $route as uid $uid", ({ route, uid }) => {
    let someone: User;
    let target: Container;
    beforeAll(async () => {
      someone = user({ uid, engine: engine("docker") });
      // In the container, the agent needs SYS_PTRACE to see the open files of other users'
      // processes.
      target = await holder(route === "mount" ? { Binds: await mountBinds(someone), CapAdd: ["SYS_PTRACE"] } : {});
    });

    const files = async (): Promise<ListedFile[]> => {
      const { text, code, stderr } = await someone.run(["ps", "--route", route, "--files", "--json", target.name]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const process = JSON.parse(text) as { pid: number; uid: number; user: string; files: ListedFile[] };
      expect(process).toMatchObject({ pid: 1, uid: 1000, user: "app" });
      return process.files;
    };

    test("a deleted file holds space if it is in the container's layer, but not if it is in the image", async () => {
      const listed = await files();
      expect(listed.find(({ path }) => path === "/data/log")).toMatchObject({ deleted: true, held: 2 * MIB });
      expect(listed.find(({ path }) => path === "/data/of-image")).toMatchObject({ deleted: true, held: 0 });
      const { text } = await someone.run(["ps", "--route", route, "--deleted", target.name]);
      expect(text).toMatch(/ +0 2097152 \/data\/log \(deleted, 2\.0M held\)\n/);
      expect(text).toMatch(/\n2 deleted files hold 2\.0M\n$/);
    });

    test("a deleted file can be read by cat and by a command", async () => {
      const listed = await files();
      const [log, ofImage] = ["/data/log", "/data/of-image"].map(
        (path) => listed.find((file) => file.path === path)?.fd,
      );
      const read = await someone.run(["cat", "--route", route, `${target.name}:/proc/1/fd/${ofImage}`]);
      expect(read).toMatchObject({ code: 0, stderr: "", text: "of the image\n" });
      const counted = await someone.run([
        "with",
        "--route",
        route,
        `${target.name}:/proc/1/fd/${log}`,
        "--",
        "wc",
        "-c",
      ]);
      expect(counted).toMatchObject({ code: 0, stderr: "", text: `${2 * MIB}\n` });
    });

    test("a command gets the real files", async () => {
      const glob = await someone.run(["with", "--route", route, `${target.name}:/data/*.log`, "--", "cat", "{}"]);
      const byDescriptor = ["a.log", "b.log"].map((name) => `${target.name}:/data/${name}`).join(", ");
      const notice = `porthole: ${byDescriptor} are passed by descriptor: an agent inside the container cannot pass a tree of its mounts\n`;
      expect(glob).toMatchObject({ code: 0, stderr: route === "mount" ? notice : "", text: "one\ntwo\n" });
      const secret = await someone.run(["with", "--route", route, `${target.name}:/data/secret`, "--", "cat"]);
      expect(secret).toMatchObject({ code: 0, stderr: "", text: "for root only\n" });
    });
  });

  test("ps over the mount route without SYS_PTRACE reports the processes that it cannot see and suggests another route", async () => {
    const someone = user({ engine: engine("docker") });
    const target = await holder({ Binds: await mountBinds(someone) });
    const { code, text, stderr } = await someone.run(["ps", "--route", "mount", "--files", target.name]);
    expect(code).toBe(1);
    expect(text).toMatch(/^ +1 app +\/workload /m);
    expect(stderr).toBe(
      `porthole: process 1 of ${target.name}: cannot list open files: Permission denied (the agent has the container's restrictions: use --route sidecar)\n`,
    );
  });

  test("with refuses a path that this user may not open before the command starts", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const target = await holder();
    const { code, text, stderr } = await someone.run(["with", `${target.name}:/data/secret`, "--", "cat", "{}"]);
    expect({ code, text }).toEqual({ code: 125, text: "" });
    expect(stderr).toBe(
      `porthole: the command cannot open ${target.name}:/data/secret by path: Permission denied (pass it as standard input: porthole with ${target.name}:/data/secret -- cat)\n`,
    );
  });
});

describeWith(["docker", "diff"], "diff of files of two containers", () => {
  test("compares them in place", async () => {
    const someone = user({ engine: engine("docker") });
    const [one, two] = [await holder(), await holder()];
    const same = await someone.run([
      "with",
      `${one.name}:/data/x.json`,
      `${two.name}:/data/x.json`,
      "--",
      "diff",
      "{1}",
      "{2}",
    ]);
    expect(same).toMatchObject({ code: 0, stderr: "", text: "" });
    const other = await someone.run(["with", `${one.name}:/data/a.log`, `${two.name}:/data/b.log`, "--", "diff", "{}"]);
    expect(other).toMatchObject({ code: 1, stderr: "", text: "1c1\n< one\n---\n> two\n" });
  });
});

describeWithDocker("doctor", () => {
  interface Finding {
    status: string;
    what: string;
    detail: string;
  }
  const routes = async (by: User, name: string) => {
    const { text, code } = await by.run(["doctor", "--json", name]);
    const found = jsonLines<Finding>(text);
    return {
      code,
      found,
      routes: found.filter(({ what }) => what.startsWith("route ")).map(({ status, what }) => `${what} ${status}`),
    };
  };

  test("tests every route to a container, and its agents end by themselves", async () => {
    const someone = user({ engine: engine("docker") });
    const prepared = await holder({ Binds: await mountBinds(someone) });
    const all = await routes(someone, prepared.name);
    expect(all).toMatchObject({ code: 0, routes: ["route direct ok", "route mount ok", "route sidecar ok"] });
    expect(all.found.find(({ what }) => what === "container engine")?.detail).toMatch(
      /^Docker \d+\.\S+ \(API [\d.]+\) at \//,
    );
    await waitFor("the agents to end", async () => (await listedAgents(someone)).length === 0, {
      interval: 3_000, // Each check is a client, which restarts the idle time.
    });
  });

  test("reports routes that this user may not take as warnings if one route works", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const plain = await holder();
    expect(await routes(someone, plain.name)).toMatchObject({
      code: 0,
      routes: ["route direct warn", "route mount ok", "route sidecar ok"],
    });
  });

  test("does not warn about a route that an ordinary container does not need", async () => {
    const someone = user({ engine: engine("docker") });
    const { text, code } = await someone.run(["doctor", (await holder()).name]);
    expect(text).toContain("ok    route mount: not set up for this container, and not needed: another route works\n");
    expect({ text, code }).toEqual({ text: expect.not.stringMatching(/^warn.*route/m), code: 0 });
  });

  test("warns about an engine that this user may not use", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: engine("docker"), inEngineGroup: false });
    const { text, code } = await someone.run(["doctor"]);
    expect(code).toBe(0);
    expect(text).toMatch(/^warn {2}container engine: .*permission denied {2}-> join the engine's group/m);
  });
});

describeWithDocker("completion of containers", () => {
  const offered = async (by: User, word: string) =>
    (await by.run(["__complete", "zsh", "--", "cat", word])).text
      .split("\n")
      .flatMap((line) => line.split("\t")[0] || []);

  test("lists running containers with one request, and paths inside over the direct route", async () => {
    const someone = user({ engine: engine("docker") });
    const target = await holder();
    expect(await offered(someone, target.name)).toEqual([`${target.name}:`]);
    expect(await offered(someone, `${target.name}:/data/`)).toEqual(
      ["a.log", "b.log", "secret", "x.json"].map((name) => `${target.name}:/data/${name}`),
    );
  });

  test("starts no sidecar but uses a running sidecar, and does not offer sidecars", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const target = await holder();
    expect(await offered(someone, `${target.name}:/data/a`)).toEqual([]);
    expect(await listedAgents(someone)).toEqual([]);
    await someone.run(["cat", `${target.name}:/data/a.log`]);
    expect(await offered(someone, `${target.name}:/data/a`)).toEqual([`${target.name}:/data/a.log`]);
    const before = (await offered(someone, "")).filter((name) => name !== "pid:");
    expect(before).toContain(`${target.name}:`);
    const { api } = engine("docker");
    const sidecars = await api.listContainers({ filters: { label: ["io.porthole.sidecar"] } });
    expect(sidecars.length).toBeGreaterThan(0);
    for (const { Names } of sidecars) expect(before).not.toContain(`${Names[0]?.slice(1)}:`);
  });
});
