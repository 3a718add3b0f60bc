import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, renameSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { addContext, removeContext } from "../helpers/docker-contexts.ts";
import { busyboxImage, type Engine, uniqueName } from "../helpers/engine.ts";
import { startFarEngine } from "../helpers/far-engine.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";
import { childrenOf, findProcesses } from "../helpers/processes.ts";
import { type SshServer, sshOnPath, startSshd } from "../helpers/sshd.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";

/* One remote engine by ssh: its connection, its helper or the command there ends early. */

describeWith(["docker", "sshd", "root"], "a command on one remote engine", () => {
  let server: SshServer;
  let far: Engine;
  let stop: () => Promise<void>;
  let by: User;
  let name: string;
  let ssh: string;
  let run: (...script: string[]) => Promise<void>;
  let write: (line: string, path: string) => Promise<void>;

  beforeAll(async () => {
    server = await startSshd();
    ({ far, stop } = await startFarEngine());
    const host = `ssh://root@127.0.0.1:${server.port}${far.socket}`;
    by = user();
    ssh = sshOnPath(server);
    Object.assign(by.env, { DOCKER_HOST: host, PORTHOLE_BEAT_MS: "1000", PATH: `${ssh}:${by.env.PATH}` });
    addContext(`${by.env.HOME}/.docker`, "far", host);
    const handle = await far.api.createContainer({
      name: uniqueName(),
      Image: await busyboxImage(far),
      Cmd: [
        "/bin/sh",
        "-c",
        "echo begin > /log; echo 2026-01-01T00:00:00Z begin > /timed; exec /bin/busybox sleep 9999",
      ],
      HostConfig: { NetworkMode: "none" },
    });
    await handle.start();
    name = (await handle.inspect()).Name.slice(1);
    run = async (...script) => {
      const exec = await handle.exec({ Cmd: ["/bin/sh", "-c", ...script] });
      await exec.start({ Detach: true });
      await waitFor("the script", async () => !(await exec.inspect()).Running);
    };
    write = (line, path) => run('echo "$0" >> "$1"', line, path);
    await waitFor("the file", async () => (await by.run(["cat", `${name}:/timed`])).text !== "");
  });

  afterAll(async () => {
    await by?.close();
    await stop?.();
    await server?.stop();
  });

  /** Starts a follow, and waits until it has printed its first line. */
  async function follow(...args: string[]) {
    const running = by.start(["tail", "-F", ...args]);
    const text = textOf(running.stdout);
    await waitFor("the first line", () => text().includes("begin\n"));
    return { running, text };
  }

  /**
   * Waits until the follow has reported a loss, and checks that it continues with its next line,
   * exactly once.
   */
  async function expectToContinue(
    { running, text }: Awaited<ReturnType<typeof follow>>,
    path: string,
    lineOf: (second: number, word: string) => string,
  ) {
    await write(lineOf(1, "meanwhile"), path);
    await waitFor("the loss to be reported", () => running.complaints().includes("; trying again\n"));
    await waitFor("the line that was written meanwhile", () => text().includes("meanwhile\n"));
    await write(lineOf(2, "end"), path);
    await waitFor("a new line", () => text().includes("end\n"));
    running.child.kill("SIGINT");
    expect(await running.ended).toEqual({ code: null, signal: "SIGINT" });
    expect(text()).toBe(["begin", "meanwhile", "end"].map((word, second) => `${lineOf(second, word)}\n`).join(""));
    expect(running.complaints()).toMatch(/^porthole: [^\n]*; trying again\nporthole: the engine at ssh:\S+ is back\n$/);
  }

  const timed = (second: number, word: string) => `2026-01-01T00:00:0${second}Z ${word}`;
  const plain = (_: number, word: string) => word;

  test.each([
    ["a file without timestamps", [], plain],
    ["a file with --merge", ["--merge"], timed],
  ])("tail -F of %s connects again if ssh ends, and continues", async (_, options, lineOf) => {
    const path = `/ssh${options.length}`;
    await write(lineOf(0, "begin"), path);
    const followed = await follow(...options, `${name}:${path}`);
    for (const pid of childrenOf(followed.running.pid)) process.kill(pid, "SIGKILL");
    await expectToContinue(followed, path, lineOf);
  });

  test("tail -F starts the helper again if it has ended, and continues", async () => {
    // Docker 20.10 leaves the connection open: the heartbeats are missing.
    const path = "/helper";
    await write("begin", path);
    const followed = await follow(`${name}:${path}`);
    const helper = far.api.getContainer(await helperOn(far));
    // Podman does not end an exec when the container's first process ends.
    if (far.isPodman) await helper.remove({ force: true });
    else {
      const { State } = await helper.inspect();
      const [first] = findProcesses(({ args }) => args.includes("helper") && args.includes("--idle")).filter(
        (pid) => innerPid(pid) === State.Pid,
      );
      process.kill(first as number, "SIGKILL");
    }
    await expectToContinue(followed, path, plain);
  });

  test("tail -F prints a file from its start that was replaced while the connection was lost", async () => {
    const path = "/replaced";
    await write("begin", path);
    const { running, text } = await follow(`${name}:${path}`);
    renameSync(`${ssh}/ssh`, `${ssh}/off`);
    for (const pid of childrenOf(running.pid)) process.kill(pid, "SIGKILL");
    await waitFor("the loss to be reported", () => running.complaints().includes("; trying again\n"));
    await run(
      `/bin/busybox mv ${path} ${path}.1; echo other > ${path}.new; echo end >> ${path}.new; /bin/busybox mv ${path}.new ${path}`,
    );
    renameSync(`${ssh}/off`, `${ssh}/ssh`);
    await waitFor("a line of the new file", () => text().includes("end\n"));
    running.child.kill("SIGINT");
    await running.ended;
    expect(text()).toBe("begin\nother\nend\n");
    expect(running.complaints()).toContain(`tail: ${name}:${path} was replaced while the connection was lost: `);
  });

  test.each([
    [
      "is killed there",
      async (target: string) => {
        for (const pid of commandsThere(target)) process.kill(pid, "SIGKILL");
      },
      /^porthole: lost the engine at ssh:\S+: porthole there was ended by SIGKILL \(run the command again; [^\n]*\)\n$/,
    ],
    [
      "loses its helper",
      async () => {
        await far.api.getContainer(await helperOn(far)).remove({ force: true });
      },
      /^porthole: (the connection to|lost) the engine at ssh:[^\n]* \(run the command again[^\n]*\)\n$/,
    ],
  ])("a command that %s is one line and status 5", async (_, end, line) => {
    const target = `${name}:/log`;
    const child = spawn(process.execPath, [builtCommand, "cat", target, "-"], { env: by.env });
    onTestFinished(() => void child.kill("SIGKILL"));
    const complaints = textOf(child.stderr);
    child.stdout.resume();
    const closed = once(child, "close");
    await waitFor("the command there", () => commandsThere(target).length > 0);
    await end(target);
    expect(await closed).toEqual([5, null]);
    expect(complaints()).toMatch(line);
  });

  test.each([
    ["one engine", ""],
    ["several engines", "far!"],
  ])("tail -f on %s prints the headers of empty files at once, and binary bytes as they are", async (_, engine) => {
    await run(": > /empty; : > /empty2; /bin/busybox head -c 300000 /bin/busybox > /binary");
    const empty = [`${name}:/empty`, `${engine}${name}:/empty2`];
    const following = by.start(["tail", "-f", ...empty]);
    const headers = textOf(following.stdout);
    await waitFor("the headers", () => empty.every((each) => headers().includes(`==> ${each} <==\n`)));
    following.child.kill("SIGINT");
    await following.ended;
    const expected = await by.run(["cat", `${name}:/binary`]);
    const binary = spawn(process.execPath, [builtCommand, "tail", "-c", "+1", "-f", `${engine}${name}:/binary`], {
      env: by.env,
    });
    onTestFinished(() => void binary.kill("SIGKILL"));
    const pieces: Buffer[] = [];
    binary.stdout.on("data", (piece: Buffer) => pieces.push(piece));
    await waitFor("all bytes", () => Buffer.concat(pieces).length >= expected.stdout.length);
    expect(Buffer.concat(pieces).equals(expected.stdout)).toBe(true);
  });

  test.each([
    ["a command", ["cat"]],
    ["a follow", ["tail", "-c", "+1", "-f"]],
    ["a command on several engines", ["cat", "far!NAME:/log"]],
  ])("%s ends by a signal while its reader does not read", async (_, words) => {
    await run("/bin/busybox yes | /bin/busybox head -c 1000000 > /long");
    const args = words.map((word) => word.replace("NAME", name));
    const child = spawn(process.execPath, [builtCommand, ...args, `${name}:/long`], { env: by.env });
    onTestFinished(() => void child.kill("SIGKILL"));
    const closed = once(child, "exit");
    await once(child.stdout, "readable");
    child.kill("SIGTERM");
    expect(await closed).toEqual([null, "SIGTERM"]);
  });

  test("messages name the engine as the target does", async () => {
    const target = `far!${name}:/none`;
    for (const [command = "", ...args] of [["cat"], ["ls"], ["stat"], ["find"], ["hexdump"], ["grep", "x"]]) {
      const { stderr } = await by.run([command, ...args, target]);
      expect({ command, stderr }).toMatchObject({
        command,
        stderr: expect.stringContaining(` ${target}: No such file`),
      });
    }
    expect((await by.run(["cat", "far!no-such:/f"])).stderr).toContain("no such container: 'far!no-such'");
    expect((await by.run(["ps", "far!no-such"])).stderr).toContain("no such container: 'far!no-such'");
    expect((await by.run(["tail", "-f", target])).stderr).toContain(`cannot open '${target}' for reading`);
    expect((await by.run(["cat", "--engine", "far", `${name}:/none`])).stderr).toContain(
      ` ${name}:/none: No such file`,
    );
  });

  test("an engine that does not respond is one line, and the others continue", async () => {
    const silent = createServer();
    await once(silent.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void silent.close());
    const address = `tcp://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    addContext(`${by.env.HOME}/.docker`, "silent", address);
    onTestFinished(() => removeContext(`${by.env.HOME}/.docker`, "silent"));
    // Node's garbage collection must not remove the limit.
    const env = { PORTHOLE_RESPONSE_MS: "3000", NODE_OPTIONS: "--max-semi-space-size=1" };
    const line = `porthole: the engine at ${address} did not respond in 3 s (check it: docker -H ${address} info)\n`;
    const there = `silent!${name}:/log`;
    for (const words of [["cat"], ["ls"], ["stat"], ["find"], ["grep", "x"], ["diff"], ["cp"], ["tail", "-F"]]) {
      const [command = "", ...others] = words;
      const operands =
        command === "diff" ? [`silent!${name}`] : command === "cp" ? [there, by.env.HOME ?? ""] : [there];
      const { code, stderr } = await by.run([command, ...others, ...operands], { env });
      expect({ command, code, stderr }).toEqual({ command, code: 3, stderr: line });
    }
    expect(await by.run(["cat", `far!${name}:/log`, there], { env })).toMatchObject({
      ...{ code: 3, text: "begin\n", stderr: line },
    });
    expect((await by.run(["ps", "--engine", "all", "--disk"], { env })).stderr).toBe(line);
  });

  test("--engine all needs no local engine", async () => {
    expect(await by.run(["ps", "--engine", "all", "--disk"])).toMatchObject({ code: 0, stderr: "" });
    expect(await by.run(["cat", "--engine", "all", `${name.slice(0, -1)}*:/log`])).toMatchObject({
      code: 0,
      text: "begin\n",
    });
  });
});

async function helperOn(far: Engine): Promise<string> {
  const [helper] = await far.api.listContainers({ filters: { label: ["io.porthole.helper"] } });
  return helper?.Id ?? "";
}

/** The number of a process in its own PID namespace, or in that of a far engine. */
function innerPid(pid: number): number {
  return Number(/^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Returns the porthole processes in a helper that have this target, which has a unique name. */
function commandsThere(target: string): number[] {
  return findProcesses(({ args }) => args[1] === "/porthole/dist/porthole.js" && args.includes(target));
}
