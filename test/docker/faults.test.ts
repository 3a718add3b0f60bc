import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { expect, inject, onTestFinished, test } from "vitest";
import { describeWith, describeWithDocker } from "../helpers/availability.ts";
import { note, witness } from "../helpers/compatibility.ts";
import { startDocker } from "../helpers/daemons.ts";
import { container, engine, engineAt, firstProcess } from "../helpers/engine.ts";
import { engineProxy } from "../helpers/engine-proxy.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { workloadReady } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { expectRead, keptFiles, listedAgents, routesInUse, sidecarsOf } from "./agents.ts";

const steps = ["dir", "/d", "write", "/d/f", "text"];
const section = "Faults" as const;

describeWithDocker("twenty commands at the same moment", () => {
  test.for([
    { uid: 0, route: "direct" },
    { uid: ORDINARY_USER, route: "sidecar" },
  ])("share one agent of route $route", async ({ uid, route }, context) => {
    const docker = engine("docker");
    const by = user({ uid, engine: docker });
    const target = await container(docker, { steps });
    const runs = await Promise.all(Array.from({ length: 20 }, () => by.run(["cat", `${target.name}:/d/f`])));
    for (const run of runs) expect(run).toMatchObject({ code: 0, stderr: "", text: "text\n" });
    expect(await routesInUse(docker, target)).toEqual([route]);
    expect(await listedAgents(by)).toHaveLength(1);
    await note(context, {
      ...{ section, situation: "20 commands at the same moment, no agent yet", on: docker, by, names: {} },
      command: "porthole cat web:/d/f",
      outcome: `20 times the file, one agent of route ${route}`,
    });
  });
});

describeWithDocker("porthole killed with SIGKILL", () => {
  test("during the start of a sidecar leaves no sidecar running, and the next command starts one", async (context) => {
    const docker = engine("docker");
    const proxy = await engineProxy(docker, /^POST .*containers\/create/);
    const by = user({ uid: ORDINARY_USER, engine: docker });
    const target = await container(docker, { steps });
    // After this command, the engine has the agent's image.
    await by.run(["cat", `${target.name}:/d/f`]);
    await by.run(["detach", target.name]);
    const begun = by.start(["cat", `${target.name}:/d/f`], { env: { DOCKER_HOST: proxy.host } });
    begun.stdout.resume();
    await waitFor("the sidecar to be created", async () => (await sidecarsOf(docker, target)).length > 0);
    begun.child.kill("SIGKILL");
    await begun.ended;
    await waitFor("the sidecar to be removed", async () => (await sidecarsOf(docker, target)).length === 0);
    const result = await witness(context, {
      ...{ section, situation: "porthole -9 while it started a sidecar, then again", on: docker, by },
      args: ["cat", "--trace", `${target.name}:/d/f`],
      names: { [target.name]: "web" },
    });
    expect(result).toMatchObject({ code: 0, text: "text\n" });
    expect(await sidecarsOf(docker, target)).toHaveLength(1);
    expect(await by.run(["detach", "--all"])).toMatchObject({ code: 0, stderr: "" });
    expect(await sidecarsOf(docker, target)).toEqual([]);
    expect(keptFiles(by)).toEqual([]);
  });

  test("before a created container runs: the next start removes it by its name", async () => {
    const docker = engine("docker");
    const by = user({ uid: ORDINARY_USER, engine: docker });
    const target = await container(docker, { steps });
    await by.run(["cat", `${target.name}:/d/f`]);
    const [id = ""] = await sidecarsOf(docker, target);
    const { Name, Config } = await docker.api.getContainer(id).inspect();
    await by.run(["detach", target.name]);
    // The state between creation and start.
    await docker.api.createContainer({
      name: Name.slice(1),
      Image: Config.Image,
      Cmd: ["/agent"],
      Labels: Config.Labels,
    });
    await expectRead(by, `${target.name}:/d/f`, "text\n", "sidecar, new agent");
    expect(await sidecarsOf(docker, target)).toHaveLength(1);
  });

  test("during a follow ends its session, and the agent when it is idle", async (context) => {
    const docker = engine("docker");
    const by = user({ engine: docker });
    const target = await container(docker, { steps });
    const tail = following(by, ["-F", "-n", "+1", "--idle", "1", `${target.name}:/d/f`]);
    await tail.shows("text\n");
    tail.running.child.kill("SIGKILL");
    await waitFor("the agent to end", async () => (await routesInUse(docker, target)).length === 0);
    await note(context, {
      ...{ section, situation: "porthole -9 while it follows", on: docker, by, names: {} },
      command: "porthole tail -F --idle 1 web:/d/f",
      outcome: "the agent ends when idle; nothing is left",
    });
  });
});

describeWithDocker("the run directory", () => {
  test("can be deleted: the next command works, and detach --all removes the old sidecar", async (context) => {
    const docker = engine("docker");
    const by = user({ uid: ORDINARY_USER, engine: docker });
    const [target, other] = await Promise.all([container(docker, { steps }), container(docker, { steps })]);
    await by.run(["cat", `${target.name}:/d/f`, `${other.name}:/d/f`]);
    rmSync(`${by.directory}/state/porthole`, { recursive: true });
    const what = { section, on: docker, by, names: { [target.name]: "web" } };
    const again = await witness(context, {
      ...what,
      situation: "run directory deleted",
      args: ["cat", "--trace", `${target.name}:/d/f`],
    });
    expect(again).toMatchObject({ code: 0, text: "text\n" });
    const all = await witness(context, { ...what, situation: "run directory deleted", args: ["detach", "--all"] });
    expect(all).toMatchObject({ code: 0, stderr: "" });
    expect([await sidecarsOf(docker, target), await sidecarsOf(docker, other)]).toEqual([[], []]);
  });

  test("of another user, or on a full disk, gives one line and status 4 and gets no files", async (context) => {
    const docker = engine("docker");
    const by = user({ engine: docker });
    const target = await container(docker, { steps });
    const what = { section, on: docker, by, args: ["cat", `${target.name}:/d/f`], names: { [target.name]: "web" } };
    const room = mkdtempSync(`${inject("machine").directory}/full-`);
    const env = { XDG_STATE_HOME: room };
    mkdirSync(`${room}/porthole`);
    chownSync(`${room}/porthole`, ORDINARY_USER, ORDINARY_USER);
    const foreign = await witness(context, { ...what, situation: "run directory of another user", options: { env } });
    expect(foreign).toMatchObject({ code: 4, text: "" });
    expect(foreign.stderr).toMatch(
      /^porthole: the run directory \S+ cannot be trusted: it belongs to uid \d+ \(.*\)\n$/,
    );
    rmSync(`${room}/porthole`, { recursive: true });
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", room]).status).toBe(0);
    onTestFinished(() => void spawnSync("umount", ["-l", room]));
    mkdirSync(`${room}/porthole/agents`, { recursive: true, mode: 0o700 });
    mkdirSync(`${room}/porthole/mnt`, { mode: 0o711 });
    for (let n = 0; ; n++) {
      try {
        writeFileSync(`${room}/fill-${n}`, Buffer.alloc(4096));
      } catch {
        break;
      }
    }
    const full = await witness(context, { ...what, situation: "no room for the run directory", options: { env } });
    expect(full.stderr).toMatch(/^porthole: .*no space left on device.*\n$/i);
    expect(full).toMatchObject({ code: 4, text: "" });
    expect(readdirSync(`${room}/porthole/agents`)).toEqual([]);
    await waitFor("no agent to be left", async () => (await routesInUse(docker, target)).length === 0);
  });
});

describeWithDocker("a low limit of descriptors", () => {
  test.for([0, ORDINARY_USER])("of 64 is enough for several containers (uid %i)", async (uid, context) => {
    const docker = engine("docker");
    const by = user({ uid, engine: docker });
    const targets = await Promise.all(Array.from({ length: 4 }, () => container(docker, { steps })));
    const before = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"];
    const args = ["cat", ...targets.map(({ name }) => `${name}:/d/f`)];
    const result = await witness(context, {
      ...{ section, situation: "64 descriptors allowed, 4 containers", on: docker, by, args, options: { before } },
      names: Object.fromEntries(targets.map(({ name }, index) => [name, `web-${index + 1}`])),
    });
    expect(result).toMatchObject({ code: 0, stderr: "", text: "text\n".repeat(4) });
  });
});

describeWith(["docker", "faketime"], "a changed clock", () => {
  test.for(["+3650d", "-3650d"])(
    "by %s does not affect running agents: they are used, listed with their age, and end when idle",
    async (shift, context) => {
      const docker = engine("docker");
      const by = user({ engine: docker });
      const target = await container(docker, { steps });
      // The agent must not be idle before all commands have used it, even if they are slow.
      const tail = following(by, ["-F", "-n", "+1", "--idle", "1", `${target.name}:/d/f`]);
      await tail.shows("text\n");
      const result = await witness(context, {
        ...{ section, situation: `clock set by ${shift} since the agent began`, on: docker, by },
        args: ["cat", "--trace", `${target.name}:/d/f`],
        options: { before: ["faketime", "-f", shift] },
        names: { [target.name]: "web" },
      });
      expect(result).toMatchObject({ code: 0, text: "text\n" });
      expect(result.stderr).toContain("live agent");
      const listed = await by.run(["agents", "--json"], { before: ["faketime", "-f", shift] });
      expect(JSON.parse(listed.text).ageSeconds).toBeLessThan(600);
      await tail.stop();
      await waitFor("the idle agent to end", async () => (await routesInUse(docker, target)).length === 0);
    },
  );
});

describeWith("docker", "an engine that is restarted", () => {
  test.for([true, false])("keeps working with live-restore %s", async (liveRestore, context) => {
    const daemon = await startDocker(`${mkdtempSync(`${inject("machine").directory}/lr-`)}/d`, { liveRestore });
    context.onTestFinished(() => daemon.stop());
    const docker = engineAt("docker", daemon.socket);
    const by = user({ engine: docker });
    const target = await container(docker, { steps: ["write", "/f", "text"] });
    const names = { [target.id]: "ID", [target.name]: "web" };
    const what = { section, on: docker, by, names };
    const state = `live-restore ${liveRestore ? "on" : "off"}`;
    for (const route of ["direct", "sidecar"]) {
      const args = ["cat", "--trace", "--route", route, `${target.name}:/f`];
      const first = await witness(context, { ...what, situation: `engine up, ${state}`, args });
      expect(first).toMatchObject({ code: 0, text: "text\n" });
    }
    const tail = following(by, ["-F", "-n", "+1", "--route", "direct", `${target.name}:/f`]);
    await tail.shows("text\n");
    await daemon.down?.();
    const situation = `engine down, ${state}`;
    const during = await witness(context, { ...what, situation, args: ["cat", `${target.id}:/f`] });
    expect(during).toMatchObject(liveRestore ? { code: 0, text: "text\n" } : { code: 3, text: "" });
    await daemon.restart?.();
    const back = `engine up again, ${state}`;
    if (liveRestore) {
      const result = await witness(context, {
        ...what,
        situation: back,
        args: ["cat", "--trace", `${target.name}:/f`],
      });
      expect(result).toMatchObject({ code: 0, text: "text\n" });
      expect(result.stderr).toContain("route direct, live agent");
    } else {
      const result = await witness(context, { ...what, situation: back, args: ["cat", `${target.name}:/f`] });
      // The container ended with its engine, so the file is read from the layers.
      expect(result).toMatchObject({ code: 0, text: "text\n" });
      await target.handle.start();
      await workloadReady(await firstProcess(target.handle));
      // The restart has written the file again.
      expect(await by.run(["cat", `${target.name}:/f`])).toMatchObject({ code: 0, text: "text\ntext\n" });
      await tail.shows("text\ntext\n");
    }
    await tail.stop();
    await by.close();
    expect(await sidecarsOf(docker, target)).toEqual([]);
    await target.remove();
  });
});
