import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { addContext } from "../helpers/docker-contexts.ts";
import { busyboxImage, container, type Engine, engine, uniqueName } from "../helpers/engine.ts";
import { type FarEngine, startFarEngine } from "../helpers/far-engine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { type SshServer, sshOnPath, startSshd } from "../helpers/sshd.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";

const SCRIPT = `if [ ! -d /d ]; then /bin/busybox mkdir /d; echo '2026-01-02T01:00:00Z first of NAME' > /d/log; fi
exec /bin/busybox sleep 100000`;

describeWith(["docker", "sshd", "root"], "an engine that is lost during a follow", () => {
  let server: SshServer;
  let machine: FarEngine;
  let by: User;

  beforeAll(async () => {
    server = await startSshd();
    machine = await startFarEngine();
    by = user({ engine: engine("docker") });
    Object.assign(by.env, { PATH: `${sshOnPath(server)}:${by.env.PATH}` });
    addContext(`${by.env.HOME}/.docker`, "far", `ssh://root@127.0.0.1:${server.port}${machine.far.socket}`);
  });

  afterAll(async () => {
    await by?.close();
    await machine?.stop();
    await server?.stop();
  });

  test("is reported in one line; the lines of other engines continue, and its own lines are printed once after it is back", async () => {
    const { far } = machine;
    const near = engine("docker");
    const [farName, nearName] = [uniqueName("far"), uniqueName("near")];
    const command = (of: string) => ["/bin/sh", "-c", SCRIPT.replace("NAME", of)];
    const there = await far.api.createContainer({
      ...{ name: farName, Image: await busyboxImage(far), Cmd: command("far"), HostConfig: { NetworkMode: "none" } },
    });
    await there.start();
    const here = await container(near, { name: nearName, image: await busyboxImage(near), command: command("near") });
    const [farLog, nearLog] = [`far!${farName}:/d/log`, `${nearName}:/d/log`];
    for (const target of [farLog, nearLog])
      await waitFor("the log", async () => (await by.run(["stat", target])).code === 0);

    const running = by.start(["tail", "-F", "-n5", "--merge", "--prefix", farLog, nearLog]);
    const text = textOf(running.stdout);
    const shown = (line: string) => waitFor(`'${line}'`, () => text().includes(`${line}\n`));
    await shown("first of far");
    await shown("first of near");
    await append(far, there.id, "2026-01-02T02:00:00Z before");
    await shown("before");

    await machine.stop();
    await waitFor("the report", () => running.complaints().includes("trying again"));
    await append(near, here.id, "2026-01-02T03:00:00Z meanwhile");
    await shown("meanwhile");

    await machine.restart();
    await there.start();
    await waitFor("a new process", async () => (await there.inspect()).State.Running);
    await append(far, there.id, "2026-01-02T04:00:00Z after");
    await shown("after");
    running.child.kill("SIGTERM");
    await running.ended;

    expect(
      text()
        .split("\n")
        .filter((line) => line.startsWith(farLog)),
    ).toEqual([
      `${farLog} | 2026-01-02T01:00:00Z first of far`,
      `${farLog} | 2026-01-02T02:00:00Z before`,
      `${farLog} | 2026-01-02T04:00:00Z after`,
    ]);
    const lost = running.complaints().split("\n");
    expect(lost.filter((line) => line.includes("trying again")).length).toBe(1);
    expect(lost.filter((line) => line.includes("is back")).length).toBe(1);
  });
});

async function append(on: Engine, id: string, line: string): Promise<void> {
  const exec = await on.api.getContainer(id).exec({ Cmd: ["/bin/sh", "-c", `echo '${line}' >> /d/log`] });
  await exec.start({ Detach: true });
}
