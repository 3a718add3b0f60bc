import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { describeWith, describeWithDocker } from "../helpers/availability.ts";
import { type Container, container, engine, image, uniqueName } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { workloadReady } from "../helpers/processes.ts";
import { expectRead, routesInUse } from "./agents.ts";
import { sealed, sealedFiles } from "./sealed.ts";

const ROOT = { who: "root", uid: 0 };
const MEMBER = { who: "a user who is only in the engine's group", uid: ORDINARY_USER };

describeWithDocker("a container FROM scratch, read-only, uid 1000, no capability, no network", () => {
  describe.each([
    { ...ROOT, route: "direct", forced: true },
    { ...ROOT, route: "mount", forced: true },
    { ...ROOT, route: "sidecar", forced: true },
    { ...ROOT, route: "direct", forced: false },
    { ...MEMBER, route: "mount", forced: true },
    { ...MEMBER, route: "sidecar", forced: true },
    { ...MEMBER, route: "sidecar", forced: false },
  ])("read by $who over route $route (forced: $forced)", ({ uid, route, forced }) => {
    let someone: User;
    let target: Container;
    let options: string[];

    beforeAll(async () => {
      someone = user({ uid, engine: engine("docker") });
      const binds = route === "mount" ? await mountBinds(someone) : [];
      target = await sealed(engine("docker"), { host: { Binds: binds } });
      options = forced ? ["--route", route] : [];
    });

    test("uses exactly this route, as --trace and the processes of the machine show", async () => {
      const result = await someone.run(["cat", "--trace", ...options, `${target.name}:/data/greeting`]);
      expect(result).toMatchObject({ code: 0, text: sealedFiles["/data/greeting"] });
      expect(result.stderr).toMatch(
        new RegExp(
          `^Got file descriptor for '/data/greeting'\nThe file descriptor is \\d+\nroute ${route}, new agent, [\\d.]+ ms\n$`,
        ),
      );
      expect(await routesInUse(engine("docker"), target)).toEqual([route]);
    });

    test.for(Object.entries(sealedFiles))("gives %s byte for byte", async ([path, content]) => {
      const result = await someone.run(["cat", ...options, `${target.name}:${path}`]);
      expect(result).toMatchObject({ code: 0, stderr: "", text: content });
    });

    test("shows the target's first process in /proc/1/status", async () => {
      const result = await someone.run(["cat", ...options, `${target.name}:/proc/1/status`]);
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(result.text).toMatch(/^Name:\tready\n/);
      expect(result.text).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    });

    test("keeps absolute and climbing symbolic links inside", async () => {
      const paths = ["/data/absolute", "/data/climbing", "/../../data/greeting"];
      const result = await someone.run(["cat", ...options, ...paths.map((path) => `${target.name}:${path}`)]);
      expect(result).toMatchObject({ code: 0, stderr: "", text: sealedFiles["/data/greeting"].repeat(3) });
    });

    test("opens names with a newline, a space and bytes that are not UTF-8", async () => {
      const odd = await someone.run(["cat", ...options, `${target.name}:/data/with space\nand newline`]);
      expect(odd).toMatchObject({ code: 0, stderr: "", text: "odd name\n" });
      const shell = ["sh", "-c", 'exec "$@" "$(printf \'%s:/data/\\377\\376\' "$TARGET")"', "sh"];
      const bytes = await someone.run(["cat", ...options], { before: shell, env: { TARGET: target.name } });
      expect(bytes).toMatchObject({ code: 0, stderr: "", text: "not UTF-8\n" });
    });
  });

  test("a user who may not enter its namespaces gets an error if the direct route is forced", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const target = await sealed(engine("docker"));
    const result = await someone.run(["cat", "--route", "direct", `${target.name}:/data/greeting`]);
    expect(result).toMatchObject({ code: 4, text: "" });
    expect(result.stderr).toMatch(/^porthole: .*namespaces of process \d+: permission denied.*\n$/);
    expect(await routesInUse(engine("docker"), target)).toEqual([]);
  });

  test("a container without porthole's mount gets an error if the mount route is forced", async () => {
    const someone = user({ engine: engine("docker") });
    const target = await sealed(engine("docker"));
    const result = await someone.run(["cat", "--route", "mount", `${target.name}:/data/greeting`]);
    expect(result).toMatchObject({ code: 4, text: "" });
    expect(result.stderr).toMatch(/^porthole: .* does not have porthole's directory mounted .*docker-args.*\n$/);
  });

  test("a prepared container whose mount is stale is read through the sidecar", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const target = await sealed(engine("docker"), { host: { Binds: await mountBinds(someone) } });
    const moved = await someone.run(["cat", "--trace", `${target.name}:/data/greeting`], {
      before: ["sh", "-c", 'mv "$XDG_STATE_HOME/porthole/mnt" "$XDG_STATE_HOME/porthole/dead" && exec "$@"', "sh"],
    });
    expect(moved).toMatchObject({ code: 0, text: sealedFiles["/data/greeting"] });
    expect(moved.stderr).toContain("route sidecar, new agent");
  });

  test("the mount route starts one process in a container, also if the engine lacks a capability", async () => {
    const on = engine("docker");
    const someone = user({ engine: on });
    const target = await container(on, { image: await image(on), host: { Binds: await mountBinds(someone) } });
    const since = Math.floor(Date.now() / 1000);
    expect(await someone.run(["cat", "--route", "mount", `${target.name}:/proc/1/status`])).toMatchObject({ code: 0 });
    const until = Math.ceil(Date.now() / 1000) + 1;
    const filters = { container: [target.id], event: [on.isPodman ? "exec" : "exec_start"] };
    const events = await text(await on.api.getEvents({ since, until, filters }));
    expect(events.trim().split("\n")).toHaveLength(1);
  });

  test("--user runs the agent of the mount route as that user", async () => {
    const someone = user({ engine: engine("docker") });
    const target = await sealed(engine("docker"), { host: { Binds: await mountBinds(someone) } });
    const reach = ["--route", "mount", "--user", "1000"];
    const fine = await someone.run(["cat", ...reach, `${target.name}:/data/greeting`]);
    expect(fine).toMatchObject({ code: 0, text: sealedFiles["/data/greeting"] });
    const refused = await someone.run(["cat", ...reach, `${target.name}:/data/secret`]);
    expect(refused).toMatchObject({ code: 1, text: "" });
    expect(refused.stderr).toMatch(
      /^porthole: cannot open \S+:\/data\/secret: Permission denied on the mount route[^\n]*\n$/,
    );
  });
});

describeWith(["docker", "dockerCommand"], "docker run $(porthole docker-args) IMAGE", () => {
  test("prepares a container for the mount route", async () => {
    const docker = engine("docker");
    const someone = user({ engine: docker });
    const name = uniqueName();
    const script =
      'docker run --detach --network none --name "$NAME" $("$@") "$IMAGE" /workload dir /d write /d/f text';
    const reference = await image(docker);
    const started = await someone.run(["docker-args"], {
      before: ["sh", "-c", script, "sh"],
      env: { NAME: name, IMAGE: reference },
    });
    expect(started).toMatchObject({ code: 0, stderr: "" });
    onTestFinished(() => docker.api.getContainer(name).remove({ force: true }));
    await workloadReady((await docker.api.getContainer(name).inspect()).State.Pid);
    await expectRead(someone, `${name}:/d/f`, "text\n", "mount, new agent", ["--route", "mount"]);
  });
});
