import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, type Engine, engine, image } from "../helpers/engine.ts";
import { ORDINARY_USER, rootlessUid } from "../helpers/machine.ts";
import { type Running, type User, user } from "../helpers/porthole.ts";
import { findProcesses } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { sidecarsOf } from "./agents.ts";
import { startScreen } from "./porthole-screen.ts";

const SPACES = ["net", "pid", "ipc", "uts"] as const;

/** Starts a container from an image with only its own program and a log. */
async function target(on: Engine, host: object = {}): Promise<Container> {
  return container(on, {
    image: await image(on, [
      { name: "etc", type: "directory" },
      { name: "logs", type: "directory" },
      { name: "logs/app.log", content: "one\n" },
      { name: "current", type: "symlink", target: "/logs" },
    ]),
    host,
  });
}

/** Resolves when the command has printed a line. */
async function printed({ stdout }: Running): Promise<string> {
  const [piece] = (await once(stdout, "data")) as [Buffer];
  return piece.toString();
}

function tests(name: Engine["name"], uid: () => number): void {
  let by: User;
  let web: Container;
  const run = (...args: string[]) => by.run(["shell", ...args]);

  beforeAll(async () => {
    by = user({ uid: uid(), engine: engine(name) });
    web = await target(engine(name), { ExtraHosts: ["planted:10.9.8.7"] });
  });

  test("a local command is in the container's namespaces, with the container's files at the working directory", async () => {
    const script = `pwd; cat logs/app.log; readlink ${SPACES.map((space) => `/proc/self/ns/${space}`).join(" ")}`;
    const { code, stderr, text } = await run(web.name, "--", "sh", "-c", script);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [where, log, ...spaces] = text.trimEnd().split("\n");
    expect(spaces).toEqual(SPACES.map((space) => readlinkSync(`/proc/${web.pid}/ns/${space}`)));
    expect([where?.endsWith(`/trees/${web.name}:`), log]).toEqual([true, "one"]);
  });

  test("it sees the container's processes, host name and hosts, but no processes of the host", async () => {
    const script = "cat /proc/1/comm /proc/sys/kernel/hostname /etc/hosts; ls -d /proc/[0-9]* | wc -l";
    const { text } = await run(web.name, "--", "sh", "-c", script);
    const lines = text.trimEnd().split("\n");
    expect(lines.slice(0, 2)).toEqual(["ready", web.id.slice(0, 12)]);
    expect(text).toMatch(/10\.9\.8\.7\s+planted/);
    expect(Number(lines.at(-1))).toBeLessThan(6);
  });

  test("--in selects namespaces: with net alone the working directory and the processes are local", async () => {
    const script = "pwd; readlink /proc/self/ns/net /proc/self/ns/pid";
    const { text } = await run("--in", "net", web.name, "--", "sh", "-c", script);
    const [where, ...spaces] = text.trimEnd().split("\n");
    expect(where).not.toContain("/trees");
    expect(spaces).toEqual([readlinkSync(`/proc/${web.pid}/ns/net`), readlinkSync("/proc/self/ns/pid")]);
  });

  test("it starts in a directory of the container, through links, and cannot write to it", async () => {
    const { text } = await run(`${web.name}:/current`, "--", "sh", "-c", "ls; echo >>app.log || echo refused");
    expect(text).toBe("app.log\nrefused\n");
  });

  test("it ends with the command's status or signal, or reports a missing command", async () => {
    expect(await run(web.name, "--", "sh", "-c", "exit 7")).toMatchObject({ code: 7, stderr: "" });
    expect(await run(web.name, "--", "sh", "-c", "kill -TERM $$")).toMatchObject({ signal: "SIGTERM" });
    const missing = await run(web.name, "--", "/no-such-command");
    expect(missing).toMatchObject({
      code: 127,
      stderr: "porthole: cannot run '/no-such-command': No such file or directory\n",
    });
  });

  test("the command ends when porthole is killed", async () => {
    const running = by.start([
      "shell",
      web.name,
      "--",
      "sh",
      "-c",
      "trap 'exit 0' HUP; echo $$; while :; do sleep 0.1; done",
    ]);
    const inside = (await printed(running)).trim();
    const isThere = async () => (await run(web.name, "--", "ls", "/proc")).text.split("\n").includes(inside);
    expect(await isThere()).toBe(true);
    const node = running.pid;
    process.kill(node, "SIGKILL");
    await running.ended;
    await waitFor("the command to end", async () => !(await isThere()));
  });

  test("it ends with the container", async () => {
    const other = await target(engine(name));
    const running = by.start(["shell", other.name, "--", "sh", "-c", "echo ready; exec sleep 1000"]);
    expect(await printed(running)).toBe("ready\n");
    await other.remove();
    expect(await running.ended).toMatchObject({ signal: "SIGKILL" });
  });

  test("removes its mounts, files and sidecars, and does not change the container", async () => {
    const before = await web.handle.changes();
    await run(web.name, "--", "true");
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("/trees");
    expect(readdirSync(`${by.directory}/state/porthole/trees`)).toEqual([]);
    expect(await web.handle.changes()).toEqual(before);
    expect(await sidecarsOf(engine(name), web)).toHaveLength(0);
  });
}

describeWith(["root", "docker"], "a shell in a container of Docker, for root", () => tests("docker", () => 0));
describeWith(["root", "podman"], "a shell in a container of Podman, for root", () => tests("podman", () => 0));
describeWith("rootlessDocker", "a shell in a container, for the owner of a rootless Docker", () =>
  tests("rootlessDocker", () => rootlessUid() ?? 0),
);
describeWith("rootlessPodman", "a shell in a container, for the owner of a rootless Podman", () =>
  tests("rootlessPodman", () => rootlessUid() ?? 0),
);

describeWith(["root", "docker", "userNamespaces"], "a shell where it cannot be had in full", () => {
  test("a user with only the socket gets one line, and with an option only the files", async () => {
    const by = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const web = await target(engine("docker"));
    const { code, stderr } = await by.run(["shell", web.name]);
    expect({ code, stderr }).toEqual({
      code: 125,
      stderr: `porthole: cannot join the namespaces of '${web.name}': only root and the owner of a rootless engine may (porthole shell --in files ${web.name} gives access to its files only; or use docker exec)\n`,
    });
    const files = await by.run(["shell", "--in", "files", web.name, "--", "cat", "logs/app.log"]);
    expect(files).toMatchObject({ code: 0, stderr: "", text: "one\n" });
  });

  test("the processes of a container that may trace others are shown only on request", async () => {
    const by = user({ engine: engine("docker") });
    const web = await target(engine("docker"), { CapAdd: ["SYS_PTRACE"] });
    const where = ["--", "readlink", "/proc/self/ns/pid"];
    const careful = await by.run(["shell", web.name, ...where]);
    expect(careful.text).toBe(`${readlinkSync("/proc/self/ns/pid")}\n`);
    expect(careful.stderr).toMatch(/^porthole: pid is left out, because a process of '.*' may trace others .*\n$/);
    const asked = await by.run(["shell", "--in", "files,pid", web.name, ...where]);
    expect(asked).toMatchObject({ stderr: "", text: `${readlinkSync(`/proc/${web.pid}/ns/pid`)}\n` });
  });

  test("a stopped target has only files, and wrong arguments are refused in one line", async () => {
    const by = user({ engine: engine("docker") });
    const web = await target(engine("docker"));
    await web.handle.stop({ t: 0 });
    const stopped = await by.run(["shell", web.name]);
    expect(stopped.stderr).toMatch(/^porthole: container '.*' is not running \(exited\) \(.*\)\n$/);
    const files = await by.run(["shell", "--in", "files", `${web.name}:/logs`, "--", "cat", "app.log"]);
    expect(files).toMatchObject({ code: 0, text: "one\n" });
    for (const args of [["--in", "net,foo", web.name], ["image:x"], ["/etc"], [web.name, "second"]]) {
      const { code, stderr } = await by.run(["shell", ...args]);
      expect([code, stderr.split("\n").length, stderr]).toEqual([
        125,
        2,
        expect.stringMatching(/^porthole: .* \(.*\)\n$/),
      ]);
    }
  });
});

describeWith(["root", "docker", "tmux"], "an interactive shell in a container", () => {
  test.each(["bash", "dash", "zsh"].filter((name) => existsSync(`/usr/bin/${name}`)))(
    "%s shows its location in its prompt, stops and ends jobs by keys, and restores the terminal",
    async (name) => {
      const by = user({ engine: engine("docker") });
      const web = await target(engine("docker"));
      const screen = startScreen(by, ["shell", web.name], { env: { SHELL: `/usr/bin/${name}`, TERM: "screen" } });
      const atPrompt = (text: string) => text.trimEnd().split("\n").at(-1)?.startsWith(`(${web.name})`) === true;
      const type = (line: string) => {
        screen.enter(line);
      };
      await screen.waitFor("the prompt", atPrompt);
      // Unique arguments identify the processes on the host.
      const [first, second] = [`sleep 1000.${web.pid}`, `sleep 2000.${web.pid}`];
      type(`echo in $PORTHOLE_TARGET; ${first}`);
      await screen.waitFor("the output", `\nin ${web.name}\n`);
      await waitFor("the job", () => runs(first));
      screen.keys("C-z");
      await screen.waitFor("the stopped job", /stopped|suspended/i, atPrompt);
      type("kill -KILL %1"); // Dash does not continue a job that it signals.
      await waitFor("the job to end", () => !runs(first));
      type(second);
      await waitFor("the second job", () => runs(second));
      screen.keys("C-c");
      await waitFor("the second job to end", () => !runs(second));
      await screen.waitFor("the prompt again", atPrompt);
      type("exit 3");
      expect(await screen.waitForEnd()).toBe(3);
    },
  );
});

function runs(command: string): boolean {
  return findProcesses(({ args }) => args.slice(0, -1).join(" ") === command).length > 0;
}
