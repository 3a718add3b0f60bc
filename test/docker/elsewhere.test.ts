import { execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { procFile } from "../../src/descriptors/process.ts";
import { describeWith } from "../helpers/availability.ts";
import { note, witness } from "../helpers/compatibility.ts";
import { OFF_THE_NETWORK } from "../helpers/daemons.ts";
import { container, created, engine, engineAt, firstProcess } from "../helpers/engine.ts";
import { builtCommand } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { startSshd } from "../helpers/sshd.ts";
import { succeeds, waitFor } from "../helpers/wait-for.ts";
import { TmuxScreen } from "../tui/screen.ts";
import { routesInUse } from "./agents.ts";

const section = "Other kernels and machines" as const;
const steps = ["dir", "/d", "write", "/d/f", "text"];

describeWith(["docker", "gvisor"], "a container in gVisor", () => {
  test("is refused in one line on every route, and no container is started", async (context) => {
    const docker = engine("docker");
    const by = user({ engine: docker });
    const target = await created(docker, { steps, host: { Runtime: "runsc" } });
    await target.handle.start();
    const { name } = target;
    const pid = await firstProcess(target.handle);
    for (const route of ["auto", "direct", "sidecar"]) {
      const result = await witness(context, {
        ...{ section, situation: "gVisor (runsc)", on: docker, by, names: { [name]: "web" } },
        args: ["cat", "--route", route, `${name}:/d/f`],
      });
      expect(result).toMatchObject({ code: 4, text: "" });
      expect(result.stderr).toBe(
        `porthole: '${name}' runs in gVisor (runtime 'runsc'): descriptors cannot leave that kernel (use docker cp ${name}:PATH -, docker exec, or a container with the default runtime)\n`,
      );
    }
    expect(await routesInUse(docker, { ...target, pid })).toEqual([]);
  });
});

describeWith(["docker", "root"], "an engine in another PID namespace", () => {
  test("has its own process numbers, so no local process of that number is entered", async (context) => {
    const directory = `${inject("machine").directory}/pidns`;
    mkdirSync(directory, { mode: 0o711 });
    const socket = `${directory}/docker.sock`;
    const options = ["--data-root", `${directory}/data`, "--exec-root", `${directory}/exec`, "-p", `${directory}/pid`];
    const dockerd = ["dockerd", ...options, "-H", `unix://${socket}`, ...OFF_THE_NETWORK];
    const daemon = spawn("unshare", ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc", ...dockerd], {
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => daemon.once("close", resolve));
    context.onTestFinished(async () => {
      daemon.kill("SIGKILL");
      await ended;
    });
    const docker = engineAt("docker", socket);
    await waitFor("the engine", () => succeeds(docker.api.ping()));
    const by = user({ engine: docker });
    const { name, handle, remove } = await created(docker, { steps });
    await handle.start();
    // On the host, the number belongs to another process or to none.
    expect(procFile(await firstProcess(handle), "cmdline")).not.toContain("/workload");
    const direct = await witness(context, {
      ...{ section, situation: "an engine in another PID namespace", on: docker, by, names: { [name]: "web" } },
      args: ["cat", "--route", "direct", `${name}:/d/f`],
    });
    expect(direct).toMatchObject({ code: 4, text: "" });
    expect(direct.stderr).toMatch(/^porthole: process \d+ of '\S+' is not on this machine.*\n$/);
    const first = await by.run(["cat", "--trace", `${name}:/d/f`]);
    expect(first.stderr).toContain("route sidecar, new agent");
    const any = await waitFor("the file that the container writes", async () => {
      const run = await by.run(["cat", "--trace", `${name}:/d/f`]);
      return run.text !== "" && run;
    });
    expect(any).toMatchObject({ code: 0, text: "text\n" });
    expect(any.stderr).toContain("route sidecar");
    await note(context, {
      ...{ section, situation: "an engine in another PID namespace", on: docker, by, names: {} },
      command: "porthole cat web:/d/f",
      outcome: "`text` by route sidecar",
    });
    await by.close();
    await remove();
  });
});

describeWith(["docker", "sshd", "tmux"], "a remote host over ssh", () => {
  test("runs a command and the screen of the porthole that is installed on it", async (context) => {
    const server = await startSshd();
    context.onTestFinished(() => server.stop());
    const docker = engine("docker");
    const by = user({ engine: docker });
    const target = await container(docker, { steps });
    const there = [
      "env",
      `XDG_STATE_HOME=${by.env.XDG_STATE_HOME}`,
      `DOCKER_HOST=${docker.host}`,
      process.execPath,
      builtCommand,
    ];
    const [ssh = "", ...rest] = server.command;
    const text = execFileSync(ssh, [...rest, ...there, "cat", `${target.name}:/d/f`], {
      encoding: "utf8",
      env: by.env,
    });
    expect(text).toBe("text\n");

    const screen = new TmuxScreen();
    context.onTestFinished(() => screen.close());
    screen.run([ssh, "-t", ...rest, ...there, "open", `${target.name}:/d/f`].join(" "));
    const shown = await screen.waitFor("the file on the screen", (page) => page.split("\n")[1] === "text");
    expect(shown.split("\n")[0]).toContain(`${target.name}:/d/f`);
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    for (const [command, outcome] of [
      ["cat", "`text`"],
      ["open", "the screen, in a real terminal over a real sshd; `q` gives the terminal back"],
    ])
      await note(context, {
        ...{ section, situation: "porthole run there, by ssh", on: docker, by, names: {} },
        command: `ssh -t HOST porthole ${command} web:/d/f`,
        outcome: outcome ?? "",
      });
  });
});
