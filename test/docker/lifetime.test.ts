import { createHash } from "node:crypto";
import { createReadStream, readdirSync, watch } from "node:fs";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { agentImages, directAgentsOf, expectRead, keptFiles, listedAgents, routesInUse } from "./agents.ts";

const docker = engine("docker");

const steps = ["dir", "/d", "write", "/d/f", "text"];

describeWithDocker("an agent", () => {
  test.for([
    { uid: 0, route: "direct" },
    { uid: ORDINARY_USER, route: "sidecar" },
  ])(
    "ends when idle, and removes its container and its entry in porthole agents (route $route)",
    async ({ uid, route }) => {
      const someone = user({ uid, engine: docker });
      const target = await container(docker, { steps });
      const first = await someone.run(["cat", "--idle", "1", "--trace", `${target.name}:/d/f`]);
      expect(first.stderr).toContain(`route ${route}, new agent`);
      await waitFor("the idle agent to end", async () => (await routesInUse(docker, target)).length === 0);
      expect(await listedAgents(someone)).toEqual([]);
      await expectRead(someone, `${target.name}:/d/f`, "text\n", `${route}, new agent`);
    },
  );

  test("leaves no rendezvous when a signal ends porthole doctor, which tries every route", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { steps });
    await someone.run(["cat", `${target.name}:/d/f`]);
    const rendezvous = `${someone.env.XDG_STATE_HOME}/porthole/mnt`;
    const sockets = () => readdirSync(rendezvous).filter((name) => name.startsWith("r-"));
    const doctor = someone.start(["doctor", target.name]);
    const watching = watch(rendezvous, () => {
      // Only once: a second signal ends a command without cleanup.
      if (sockets().length > 0 && !doctor.child.killed) doctor.child.kill("SIGTERM");
    });
    const ended = await doctor.ended;
    watching.close();
    expect(ended).toEqual({ code: null, signal: "SIGTERM" });
    expect(sockets()).toEqual([]);
  });

  test("takes its idle time from PORTHOLE_IDLE", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { steps });
    await someone.run(["cat", `${target.name}:/d/f`], { env: { PORTHOLE_IDLE: "1" } });
    await waitFor("the idle agent to end", () => directAgentsOf(target).length === 0);
  });

  test.for([
    { uid: 0, route: "direct" },
    { uid: 0, route: "sidecar" },
  ])("ends with its container (route $route)", async ({ uid, route }) => {
    const someone = user({ uid, engine: docker });
    const target = await container(docker, { steps });
    await someone.run(["cat", "--idle", "3600", "--route", route, `${target.name}:/d/f`]);
    expect(await routesInUse(docker, target)).toEqual([route]);
    await target.remove();
    await waitFor("the agent to end", async () => (await routesInUse(docker, target)).length === 0);
    expect(await listedAgents(someone)).toEqual([]);
  });

  test("is listed, and is stopped by detach with its container's name or id", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { steps });
    await someone.run(["cat", "--route", "sidecar", `${target.name}:/d/f`]);
    // The session's child process may outlive the command for a moment.
    const [agent] = await waitFor("an agent without clients", async () => {
      const agents = await listedAgents(someone);
      return agents.every(({ clients }) => clients === 0) && agents;
    });
    expect(agent).toMatchObject({ name: target.name, container: target.id, route: "sidecar" });
    expect(await someone.run(["detach", target.name])).toMatchObject({ code: 0, stdout: Buffer.of(), stderr: "" });
    await waitFor("the sidecar to be removed", async () => (await routesInUse(docker, target)).length === 0);
    await someone.run(["cat", `${target.name}:/d/f`]);
    expect(await someone.run(["detach", target.id.slice(0, 12)])).toMatchObject({ code: 0, stderr: "" });
    await waitFor("the agent to end", () => directAgentsOf(target).length === 0);
    const none = await someone.run(["detach", target.name]);
    expect(none).toMatchObject({ code: 3 });
    expect(none.stderr).toMatch(/^porthole: no agent for '.*\n$/);
  });

  test("serves a paused container, which stays paused", async () => {
    const someone = user({ uid: ORDINARY_USER, engine: docker });
    const target = await container(docker, { steps });
    await target.handle.pause();
    await expectRead(someone, `${target.name}:/d/f`, "text\n", "sidecar, new agent");
    expect((await target.handle.inspect()).State.Paused).toBe(true);
    await target.handle.unpause();
  });
});

describeWithDocker("porthole detach --all", () => {
  test("removes every process, container, image, socket and record of porthole, and no other object", async () => {
    const [one, other] = [user({ uid: ORDINARY_USER, engine: docker }), user({ engine: docker })];
    const binds = await mountBinds(one);
    const targets = await Promise.all([
      container(docker, { steps, host: { Binds: binds } }),
      container(docker, { steps }),
    ]);
    await one.run(["cat", ...targets.map((target) => `${target.name}:/d/f`)]);
    const shared = await container(docker, { steps });
    await other.run(["cat", "--route", "sidecar", `${shared.name}:/d/f`]);

    expect((await Promise.all(targets.map((target) => routesInUse(docker, target)))).flat()).toEqual([
      "mount",
      "sidecar",
    ]);
    expect(await one.run(["detach", "--all"])).toMatchObject({ code: 0, stdout: Buffer.of(), stderr: "" });
    for (const target of targets)
      await waitFor("its agent to end", async () => (await routesInUse(docker, target)).length === 0);
    expect(keptFiles(one)).toEqual([]);
    expect(await routesInUse(docker, shared)).toEqual(["sidecar"]);
    expect(await agentImages(docker)).toHaveLength(1);
  });

  test("succeeds without a message if there is no agent to remove, with and without an engine", async () => {
    for (const someone of [user({ engine: engine("docker") }), user()]) {
      expect(await someone.run(["detach", "--all"])).toMatchObject({ code: 0, stdout: Buffer.of(), stderr: "" });
    }
  });
});

describeWithDocker("a container removed while its file is read", () => {
  test.for([
    { uid: 0, route: "direct" },
    { uid: ORDINARY_USER, route: "sidecar" },
  ])("does not interrupt a read of 1 GiB (route $route)", async ({ uid, route }) => {
    const someone = user({ uid, engine: docker });
    const target = await container(docker, { steps: ["dir", "/d", "fill", "/d/big", "1024"] });
    const expected = createHash("sha256");
    await pipeline(createReadStream(`/proc/${target.pid}/root/d/big`), expected);

    const reading = someone.start(["cat", "--trace", `${target.name}:/d/big`]);
    const hash = createHash("sha256");
    let length = 0;
    // Does not read from the pipe until the container is removed, so that most of the file is read
    // after that.
    await waitFor("the reading to begin", () => reading.complaints().includes("The file descriptor is"));
    await target.remove();
    for await (const piece of reading.stdout) {
      hash.update(piece as Buffer);
      length += (piece as Buffer).length;
    }
    expect(await reading.ended).toEqual({ code: 0, signal: null });
    expect(reading.complaints()).toMatch(new RegExp(`route ${route}, new agent, [\\d.]+ ms\\n$`));
    expect(length).toBe(2 ** 30);
    expect(hash.digest("hex")).toBe(expected.digest("hex"));
  });
});
