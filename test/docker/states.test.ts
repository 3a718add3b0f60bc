import { expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { note, witness } from "../helpers/compatibility.ts";
import { container, created, engine, firstProcess, uniqueName } from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { workloadReady } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const docker = engine("docker");

const says = (text: string) => ["dir", "/d", "write", "/d/f", text];
const section = "States and changes" as const;

describeWithDocker("a container that is not running", () => {
  test("is read from its layers after creation and after its end", async (context) => {
    const by = user({ engine: docker });
    const { name, handle } = await created(docker, { steps: says("text") });
    const what = { section, on: docker, by, args: ["cat", `${name}:/d/f`], names: { [name]: "web" } };
    const before = await witness(context, { ...what, situation: "created, never started" });
    expect(before).toMatchObject({
      code: 1,
      stderr: `porthole: cannot open ${name}:/d/f: No such file or directory\n`,
    });
    await handle.start();
    await workloadReady(await firstProcess(handle));
    await handle.kill();
    await handle.wait();
    const ended = await witness(context, { ...what, situation: "stopped" });
    expect(ended).toMatchObject({ code: 0, text: "text\n" });
  });

  test("is read in the state of the last attempt while it restarts repeatedly", async (context) => {
    const by = user({ engine: docker });
    const options = { steps: [...says("text"), "no-such-step"], host: { RestartPolicy: { Name: "always" } } };
    const { name, handle } = await created(docker, options);
    await handle.start();
    const result = await waitFor("what its last attempt left", async () => {
      const run = await by.run(["cat", `${name}:/d/f`]);
      // During an attempt, the result may be from this attempt or from its beginning.
      return run.code === 0 && run;
    });
    expect(result).toMatchObject({ text: "text\n", stderr: "" });
    await note(context, {
      ...{ section, situation: "restarting again and again", on: docker, by, names: { [name]: "web" } },
      command: `porthole cat ${name}:/d/f`,
      outcome: "`text`, of its layers between two attempts",
    });
  });

  test("makes tail -F wait and follow when it starts", async (context) => {
    const by = user({ engine: docker });
    const { name, handle } = await created(docker, { steps: says("at last") });
    const tail = following(by, ["-F", "-n", "+1", `${name}:/d/f`]);
    await tail.says(/No such file/);
    await handle.start();
    await tail.shows("at last\n");
    await tail.stop();
    await note(context, {
      ...{ section, situation: "created, started while tail -F waits", on: docker, by, names: { [name]: "web" } },
      command: `porthole tail -F -n +1 ${name}:/d/f`,
      outcome: "waits, then the file's lines",
    });
  });
});

describeWithDocker("a paused container", () => {
  test.for([
    { uid: 0, route: "direct" },
    { uid: ORDINARY_USER, route: "sidecar" },
  ])("is read; a follow continues when the container is resumed (route $route)", async ({ uid, route }, context) => {
    const by = user({ uid, engine: docker });
    const target = await container(docker, { steps: ["dir", "/d", "log", "/d/log", "50", "0"] });
    const tail = following(by, ["-F", "-n", "+1", `${target.name}:/d/log`]);
    await waitFor("its first lines", () => tail.text().includes("line 2\n"));
    await target.handle.pause();
    const result = await witness(context, {
      ...{ section, situation: "paused", on: docker, by, names: { [target.name]: "web" } },
      args: ["head", "-n", "1", `${target.name}:/d/log`],
    });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.text).toMatch(/^line \d+\n$/);
    const before = tail.text().length;
    await target.handle.unpause();
    await waitFor("lines after the pause", () => tail.text().length > before + 20);
    await tail.stop();
    expect(tail.said()).toBe("");
    const numbers = [...tail.text().matchAll(/^line (\d+)$/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    await note(context, {
      ...{ section, situation: `paused and unpaused while followed over route ${route}`, on: docker, by, names: {} },
      command: "porthole tail -F web:/d/log",
      outcome: "goes on, every line once",
    });
  });
});

describeWithDocker("no other container is read", () => {
  test("after a restart, a recreation, a rename and a removal", async (context) => {
    const by = user({ engine: docker });
    const target = await container(docker, {
      steps: ["write", "/memory/f", "life"],
      host: { Tmpfs: { "/memory": "" } },
    });
    const name = target.name;
    const what = { section, on: docker, by, names: { [target.id]: "ID", [name]: "web" } };
    const cat = ["cat", `${name}:/memory/f`];
    expect(await by.run(cat)).toMatchObject({ text: "life\n" });
    await target.handle.restart({ t: 5 });
    await workloadReady(await firstProcess(target.handle));
    // A stale root would show the old tmpfs. In the new root, the line occurs once more.
    expect(await witness(context, { ...what, situation: "restarted after it was read", args: cat })).toMatchObject({
      code: 0,
      text: "life\n",
    });
    await target.remove();
    const next = await container(docker, { name, steps: says("second") });
    const anew = await witness(context, {
      ...what,
      situation: "made anew under its name",
      args: ["cat", `${name}:/d/f`],
    });
    expect(anew).toMatchObject({ code: 0, text: "second\n" });
    const old = await witness(context, {
      ...what,
      situation: "removed, by its id",
      args: ["cat", `${target.id}:/d/f`],
    });
    expect(old).toMatchObject({ code: 3, text: "" });
    const other = uniqueName("renamed");
    await next.handle.rename({ name: other });
    const gone = await witness(context, {
      ...what,
      situation: "renamed, by its old name",
      args: ["cat", `${name}:/d/f`],
    });
    expect(gone).toMatchObject({ code: 3, text: "" });
    const renamed = await by.run(["cat", `${other}:/d/f`]);
    expect(renamed).toMatchObject({ code: 0, text: "second\n" });
  });

  test("when an id begins like the name of a service", async (context) => {
    const by = user({ engine: docker });
    const bystander = await container(docker, { steps: says("bystander") });
    // As short as possible, but unique among the containers of this daemon.
    const service = bystander.id.slice(0, 6);
    const target = await container(docker, {
      steps: says("service"),
      labels: { "com.docker.compose.project": "shop", "com.docker.compose.service": service },
    });
    const result = await witness(context, {
      ...{ section: "Compose", situation: "a service whose name is also the beginning of another container's id" },
      ...{ on: docker, by, args: ["cat", `${service}:/d/f`], names: { [service]: "cafe", [target.name]: "web" } },
    });
    expect(result).toMatchObject({ code: 0, text: "service\n" });
    expect(await by.run(["cat", `${bystander.id.slice(0, 12)}:/d/f`])).toMatchObject({ text: "bystander\n" });
  });
});
