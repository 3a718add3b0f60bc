import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWith, describeWithDocker } from "../helpers/availability.ts";
import { container, engine, firstProcess, uniqueName } from "../helpers/engine.ts";
import { engineProxy } from "../helpers/engine-proxy.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { workloadReady } from "../helpers/processes.ts";
import { expectRead, listedAgents, routesInUse, sidecarsOf } from "./agents.ts";

const docker = engine("docker");

const says = (text: string) => ["dir", "/d", "write", "/d/f", text];

describeWithDocker("a running agent", () => {
  test("sends one request to the engine for a name, and none for a full id", async () => {
    const proxy = await engineProxy(docker);
    const someone = user({ uid: ORDINARY_USER, engine: { ...docker, host: proxy.host } });
    const target = await container(docker, { steps: says("kept") });
    expect(await someone.run(["cat", `${target.name}:/d/f`])).toMatchObject({ code: 0, text: "kept\n" });
    expect(proxy.requests.length).toBeGreaterThan(1);

    proxy.requests.length = 0;
    await expectRead(someone, `${target.name}:/d/f`, "kept\n", "sidecar, live agent");
    expect(proxy.requests).toEqual([`GET /containers/${target.name}/json`]);

    proxy.requests.length = 0;
    await expectRead(someone, `${target.id}:/d/f`, "kept\n", "sidecar, live agent");
    expect(proxy.requests).toEqual([]);
  });

  test("serves a full id after the engine has stopped listening", async () => {
    const someone = user({ engine: engine("docker") });
    const target = await container(engine("docker"), { steps: says("kept") });
    await someone.run(["cat", `${target.name}:/d/f`]);
    const env = { DOCKER_HOST: `unix://${someone.directory}/nobody.sock` };
    expect(await someone.run(["cat", `${target.id}:/d/f`], { env })).toMatchObject({ code: 0, text: "kept\n" });
    expect(await someone.run(["cat", `${target.name}:/d/f`], { env })).toMatchObject({ code: 3, text: "" });
  });

  test("is used for an id prefix and for several files at once", async () => {
    const someone = user({ engine: engine("docker") });
    const target = await container(engine("docker"), { steps: [...says("one"), "write", "/d/g", "two"] });
    const files = [`${target.id.slice(0, 12)}:/d/f`, `${target.name}:/d/g`, `${target.id}:/d/f`];
    expect(await someone.run(["cat", ...files])).toMatchObject({ code: 0, stderr: "", text: "one\ntwo\none\n" });
    expect(await routesInUse(engine("docker"), target)).toEqual(["direct"]);
  });

  test("never serves another container: after a rename, a name refers to its current container", async () => {
    const someone = user({ engine: docker });
    const [a, b] = await Promise.all(["a", "b"].map((text) => container(docker, { steps: says(text) })));
    if (a === undefined || b === undefined) throw new Error("no containers");
    await someone.run(["cat", `${a.name}:/d/f`, `${b.name}:/d/f`]);
    const between = uniqueName("renamed");
    await a.handle.rename({ name: between });
    await b.handle.rename({ name: a.name });
    await a.handle.rename({ name: b.name });
    expect(await someone.run(["cat", `${a.name}:/d/f`, `${b.name}:/d/f`])).toMatchObject({ code: 0, text: "b\na\n" });
  });

  test("never serves another container after a recreation under the same name", async () => {
    const someone = user({ engine: docker });
    const first = await container(docker, { steps: says("first") });
    expect(await someone.run(["cat", `${first.name}:/d/f`])).toMatchObject({ text: "first\n" });
    await first.remove();
    const second = await container(docker, { name: first.name, steps: says("second") });
    expect(await someone.run(["cat", `${second.name}:/d/f`])).toMatchObject({ code: 0, text: "second\n" });
    const old = await someone.run(["cat", `${first.id}:/d/f`]);
    expect(old).toMatchObject({ code: 3, text: "" });
    expect(old.stderr).toMatch(/^porthole: no such container: '[0-9a-f]{64}'.*\n$/);
  });

  test.for([
    { uid: 0, route: "direct" },
    { uid: 0, route: "sidecar" },
  ])("never shows the state of a container before its restart (route $route)", async ({ uid, route }) => {
    const someone = user({ uid, engine: docker });
    // After a restart the tmpfs is new, and the file in the image's layer is a line longer.
    const steps = ["write", "/d", "once", "write", "/memory/f", "once"];
    const target = await container(docker, { steps, host: { Tmpfs: { "/memory": "" } } });
    const both = ["cat", "--route", route, `${target.name}:/d`, `${target.name}:/memory/f`];
    expect(await someone.run(both)).toMatchObject({ code: 0, text: "once\nonce\n" });
    await target.handle.restart({ t: 5 });
    await workloadReady(await firstProcess(target.handle));
    expect(await someone.run(both)).toMatchObject({ code: 0, text: "once\nonce\nonce\n" });
    const byId = both.map((word) => word.replace(target.name, target.id));
    expect(await someone.run(byId)).toMatchObject({ code: 0, text: "once\nonce\nonce\n" });
  });

  test("is shared by commands that start at the same time", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: docker });
    const target = await container(docker, { steps: says("shared") });
    const runs = await Promise.all(Array.from({ length: 6 }, () => someone.run(["cat", `${target.name}:/d/f`])));
    for (const run of runs) expect(run).toMatchObject({ code: 0, stderr: "", text: "shared\n" });
    expect(await sidecarsOf(docker, target)).toHaveLength(1);
    expect(await listedAgents(someone)).toHaveLength(1);
  });

  test("is found among twenty", async () => {
    const someone = user({ engine: docker });
    const targets = await Promise.all(Array.from({ length: 20 }, (_, n) => container(docker, { steps: says(`${n}`) })));
    const all = targets.map((target) => `${target.name}:/d/f`);
    const expected = targets.map((_, n) => `${n}\n`).join("");
    expect(await someone.run(["cat", ...all])).toMatchObject({ code: 0, stderr: "", text: expected });
    expect((await listedAgents(someone)).map(({ name }) => name).sort()).toEqual(
      targets.map(({ name }) => name).sort(),
    );
    const trace = await someone.run(["cat", "--trace", ...all]);
    expect(trace.stderr.match(/route direct, live agent/g)).toHaveLength(20);
  });
});

describeWith(["docker", "strace"], "the system calls of a second cat", () => {
  test("with a full id connects only to the agent's socket in the run directory", async () => {
    const someone = user({ engine: engine("docker") });
    const target = await container(engine("docker"), { steps: says("kept") });
    await someone.run(["cat", `${target.id}:/d/f`]);
    const log = `${someone.directory}/strace`;
    const run = await someone.run(["cat", `${target.id}:/d/f`], {
      before: ["strace", "--follow-forks", "--trace=connect,execve", "--output", log],
    });
    expect(run).toMatchObject({ code: 0, text: "kept\n" });
    const calls = readFileSync(log, "utf8").split("\n");
    expect(calls.filter((line) => line.includes("connect("))).toEqual([
      expect.stringMatching(
        new RegExp(`sun_path="/proc/self/fd/\\d+/${target.id.slice(0, 16)}\\.direct\\.\\S+\\.sock"`),
      ),
    ]);
    expect(calls.filter((line) => line.includes("execve("))).toHaveLength(1);
  });
});
