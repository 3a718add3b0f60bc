import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { addContext, removeContext } from "../helpers/docker-contexts.ts";
import { busyboxImage, container, type Engine, engine, uniqueName } from "../helpers/engine.ts";
import { startFarEngine } from "../helpers/far-engine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { childrenOf, findProcesses, isRunning } from "../helpers/processes.ts";
import { type SshServer, sshOnPath, startSshd } from "../helpers/sshd.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";

/*
 * One engine is local. The other has its own namespaces and is reached by ssh. They are the docker
 * contexts `near` and `far`. The address of `lost` has no listener.
 */

describeWith(["docker", "sshd", "root"], "a command over several engines", () => {
  let server: SshServer;
  let far: Engine;
  let stop: () => Promise<void>;
  let by: User;
  let farName: string;
  let nearName: string;
  let onFar: (script: string) => Promise<void>;
  let onNear: (script: string) => Promise<void>;

  beforeAll(async () => {
    server = await startSshd();
    ({ far, stop } = await startFarEngine());
    const near = engine("docker");
    by = user({ engine: near });
    Object.assign(by.env, { PATH: `${sshOnPath(server)}:${by.env.PATH}` });
    addContext(`${by.env.HOME}/.docker`, "far", `ssh://root@127.0.0.1:${server.port}${far.socket}`);
    const log = (hours: number[]) => hours.map((hour) => `2026-01-02T0${hour}:00:00Z ${hour}\\n`).join("");
    const script = (name: string, hours: number[]) =>
      `mkdir /d; echo ${name} > /d/f; printf '${log(hours)}' > /d/log; touch /d/ready; exec /bin/busybox sleep 100000`;
    const command = (name: string, hours: number[]) => [
      ...["/bin/sh", "-c", `for i in mkdir touch; do /bin/busybox ln -s busybox /bin/$i; done; ${script(name, hours)}`],
    ];
    const handle = await far.api.createContainer({
      name: uniqueName("far"),
      Image: await busyboxImage(far),
      Cmd: command("far", [1, 3, 5]),
      Env: ["PATH=/bin"],
      Labels: composed("far-shop", "far-service"),
      HostConfig: { NetworkMode: "none" },
    });
    await handle.start();
    farName = (await handle.inspect()).Name.slice(1);
    const here = await container(near, {
      name: uniqueName("near"),
      image: await busyboxImage(near),
      command: command("near", [2, 4]),
      env: ["PATH=/bin"],
    });
    nearName = here.name;
    onFar = (text) => execIn(far, handle.id, text);
    onNear = (text) => execIn(near, here.id, text);
    for (const target of [`far!${farName}:/d/ready`, `${nearName}:/d/ready`])
      await waitFor("the files", async () => (await by.run(["stat", target])).code === 0);
  });

  afterAll(async () => {
    await by?.close();
    await stop?.();
    await server?.stop();
  });

  test("prints the files of each engine in the order of the operands, with local files among them", async () => {
    const args = [`${nearName}:/d/f`, `far!${farName}:/d/f`, "/proc/self/comm", `far!${farName}:/d/f`];
    expect(await by.run(["cat", ...args])).toMatchObject({ code: 0, text: "near\nfar\nnode\nfar\n", stderr: "" });
    const { text } = await by.run(["head", "-n1", ...args.slice(0, 2)]);
    expect(text).toBe(`==> ${nearName}:/d/f <==\nnear\n\n==> far!${farName}:/d/f <==\nfar\n`);
  });

  test("names each file with its engine, in grep, find, ls and ps", async () => {
    const targets = [`far!${farName}:/d`, `${nearName}:/d`];
    const files = targets.map((target) => `${target}/f`);
    const grep = await by.run(["grep", "-n", "a", ...files]);
    expect(grep).toMatchObject({ code: 0, text: `${files[0]}:1:far\n${files[1]}:1:near\n`, stderr: "" });
    expect((await by.run(["grep", "-q", "nothing", ...files])).code).toBe(1);
    expect((await by.run(["find", ...targets, "-name", "f"])).text).toBe(`${files.join("\n")}\n`);
    expect((await by.run(["ls", ...targets])).text).toBe(
      targets.map((target) => `${target}:\nf\nlog\nready\n`).join("\n"),
    );
    const { code, text } = await by.run(["ps", `far!${farName}`, nearName]);
    expect(code).toBe(0);
    expect(text.split("\n").filter((line) => line.endsWith(":"))).toEqual([`far!${farName}:`, `${nearName}:`]);
  });

  test("tail --merge prints the lines of all engines in order of their times", async () => {
    const { code, text, stderr } = await by.run(["tail", "--merge", `far!${farName}:/d/log`, `${nearName}:/d/log`]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(text.split("\n").map((line) => line.slice(-1))).toEqual(["1", "2", "3", "4", "5", ""]);
  });

  test("tail -f follows files of all engines, and a signal ends it, also remotely", async () => {
    const running = by.start(["tail", "-f", "-n1", "--prefix", `far!${farName}:/d/log`, `${nearName}:/d/log`]);
    const text = textOf(running.stdout);
    await waitFor("the last line of each", () => text().split("\n").length === 3);
    await onFar("echo from far >> /d/log");
    await waitFor("a new line of one", () => text().includes(`far!${farName}:/d/log | from far\n`));
    await onNear("echo from near >> /d/log");
    await waitFor("a new line of the other", () => text().includes(`${nearName}:/d/log | from near\n`));
    running.child.kill("SIGTERM");
    expect(await running.ended).toEqual({ code: null, signal: "SIGTERM" });
    expect(running.complaints()).toBe("");
    const isOfThis = (args: readonly string[]) => args.some((word) => word.includes(`${farName}:/d/log`));
    await waitFor("the command there to end", () => findProcesses(({ args }) => isOfThis(args)).length === 0);
  });

  test("its local runs end when it is killed", async () => {
    const running = by.start(["cat", "/dev/zero", `far!${farName}:/d/f`]);
    await new Promise((resolve) => running.stdout.once("data", resolve));
    running.stdout.resume();
    const [run = 0] = childrenOf(running.pid).filter((pid) => commandOf(pid).includes("/dev/zero"));
    expect(isRunning(run)).toBe(true);
    running.child.kill("SIGKILL");
    await waitFor("the run to end", () => !isRunning(run));
    await running.ended;
  });

  test("reports an engine that cannot be reached in one line, and prints the files of the others", async () => {
    addContext(`${by.env.HOME}/.docker`, "lost", `ssh://root@127.0.0.1:1${far.socket}`);
    for (const command of [["cat"], ["tail", "--merge", "-q"], ["grep", "-h", "near"]]) {
      const { code, text, stderr } = await by.run([...command, "lost!web:/d/f", `${nearName}:/d/f`]);
      expect({ command, code, text }).toEqual({ command, code: 3, text: "near\n" });
      expect(stderr).toMatch(/^porthole: cannot connect to [^\n]*\n$/);
    }
    expect(await by.run(["cat", "none!web:/f", `${nearName}:/d/f`])).toMatchObject({
      ...{ code: 3, text: "near\n" },
      stderr: "porthole: no such docker context: 'none' (run docker context ls to list them)\n",
    });
    removeContext(`${by.env.HOME}/.docker`, "lost");
  });

  test("--engine all reads the engines of all docker contexts", async () => {
    addContext(`${by.env.HOME}/.docker`, "near", engine("docker").host);
    const found = await by.run(["cat", "--engine", "all", `${farName}:/d/f`, `${nearName}:/d/f`]);
    expect(found).toMatchObject({ code: 0, text: "far\nnear\n", stderr: "" });
    const matched = await by.run(["find", "--engine", "all", `*-${farName.split("-")[1]}-*:/d/f`]);
    expect(matched.text.split("\n")).toEqual(expect.arrayContaining([`far!${farName}:/d/f`, `${nearName}:/d/f`]));
    const local = await by.run(["cat", "--engine", "all", "/proc/self/comm"]);
    expect(local).toMatchObject({ code: 0, text: "node\n", stderr: "" });
    const missing = await by.run(["cat", "--engine", "all", "no-such-container:/f"]);
    expect(missing).toMatchObject({ code: 3, text: "" });
    expect(missing.stderr).toMatch(/^porthole: no such container: 'no-such-container' [^\n]*\n$/);
  });

  test("--engine all finds the Compose services and projects of all engines", async () => {
    for (const name of ["far-service", "far-service-1", "far-shop/far-service"])
      expect(await by.run(["cat", "--engine", "all", `${name}:/d/f`])).toMatchObject({
        code: 0,
        text: "far\n",
        stderr: "",
      });
    expect((await by.run(["cat", "--engine", "all", "far-shop/*:/d/f"])).text).toBe("far\n");
  });

  test("does not choose between a container and a Compose service of another engine", async (context) => {
    addContext(`${by.env.HOME}/.docker`, "near", engine("docker").host);
    const service = { "com.docker.compose.project": "shop", "com.docker.compose.service": farName };
    const here = await container(engine("docker"), { labels: service });
    context.onTestFinished(() => here.remove());
    const { code, text, stderr } = await by.run(["cat", "--engine", "all", `${farName}:/d/f`]);
    expect({ code, text }).toEqual({ code: 2, text: "" });
    expect(stderr).toContain(`'${farName}' exists in several engines: all, far`);
  });

  test("cp copies from an engine that the target names", async () => {
    const copy = `${by.directory}/copy`;
    expect(await by.run(["cp", `far!${farName}:/d/f`, copy])).toMatchObject({ code: 0, text: "", stderr: "" });
    expect(readFileSync(copy, "utf8")).toBe("far\n");
    expect(await by.run(["cp", "--engine", "all", `${farName}:/d/f`, `${copy}2`])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(readFileSync(`${copy}2`, "utf8")).toBe("far\n");
  });

  test("a command for targets of only one engine refuses several engines", async () => {
    const { code, stderr } = await by.run(["diff", `far!${farName}`, nearName]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^[^\n]+\n$/);
  });

  test("detach of a docker context removes the helper on its engine", async () => {
    expect((await by.run(["cat", `far!${farName}:/d/f`])).text).toBe("far\n");
    expect((await by.run(["agents", "--json"])).text).toContain('"helper"');
    expect(await by.run(["detach", "far"])).toMatchObject({ code: 0, text: "", stderr: "" });
    expect((await by.run(["agents", "--json"])).text).not.toContain('"helper"');
  });
});

function composed(project: string, service: string): Record<string, string> {
  const prefix = "com.docker.compose";
  return { [`${prefix}.project`]: project, [`${prefix}.service`]: service, [`${prefix}.container-number`]: "1" };
}

async function execIn(on: Engine, id: string, script: string): Promise<void> {
  const exec = await on.api.getContainer(id).exec({ Cmd: ["/bin/sh", "-c", script] });
  await exec.start({ Detach: true });
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "latin1");
}
