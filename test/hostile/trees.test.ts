import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runLaunched } from "../../cli/with/launcher.ts";
import { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { procFile } from "../../src/descriptors/process.ts";
import { ensureTreeDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { takeTree } from "../../src/routes/tree.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { amount, counted } from "../helpers/extent.ts";
import { fuseTarget } from "../helpers/fuse.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";
import { isRunning } from "../helpers/processes.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";

/*
 * Runs a local command over a container's whole tree, with every kind of file that the container
 * can place in it.
 */

/**
 * Starts a process with its own mounts and the host's root. It is killed after the test. Returns
 * its pid.
 */
async function ownMounts(script: string, ...namespaces: string[]): Promise<number> {
  const child = spawn("unshare", ["--mount", ...namespaces, "sh", "-c", `${script} && exec sleep 1000`], {
    stdio: "ignore",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const pid = child.pid ?? 0;
  await waitFor("the process", () => readFileSync(`/proc/${pid}/comm`, "latin1") === "sleep\n");
  return pid;
}

describeAsRoot("in a tree", () => {
  test("every mount is read-only and follows no link; device nodes cannot be opened, and set-user-id bits have no effect", async () => {
    const by = user({ uid: ORDINARY_USER });
    const target = await sandbox({ uid: ORDINARY_USER, steps: ["tmpfs", "/tmp", "write", "/tmp/x", "x"] });
    execFileSync("mknod", ["-m", "666", `${target.root}/null`, "c", "1", "3"]);
    copyFileSync("/usr/bin/id", `${target.root}/id`);
    execFileSync("chmod", ["4755", `${target.root}/id`]);
    const run = async (...command: string[]) => by.run(["with", `pid:${target.pid}:/`, "--", ...command]);
    expect((await run("./id", "-u")).text).toBe(`${ORDINARY_USER}\n`);
    expect((await run("sh", "-c", "cat null 2>&1")).text).toContain("Permission denied");
    const { text } = await run("grep", "/trees/pid:", "/proc/self/mountinfo");
    const mounts = text.trimEnd().split("\n");
    expect(mounts.length).toBeGreaterThan(2);
    for (const mount of mounts) expect(mount).toMatch(/ ro,nosuid,nodev,.*nosymfollow/);
    // Does the same with --rw: the other flags stay.
    const writable = await by.run([
      "with",
      "--rw",
      `pid:${target.pid}:/`,
      "--",
      "grep",
      "/trees/pid:",
      "/proc/self/mountinfo",
    ]);
    for (const mount of writable.text.trimEnd().split("\n")) expect(mount).toMatch(/nosuid,nodev,.*nosymfollow/);
  });

  test("a mount that the target makes later does not appear", async () => {
    const by = user();
    const late = `${by.directory}/late`;
    mkdirSync(late);
    writeFileSync(`${late}/below`, "");
    const target = await ownMounts("mount --make-rshared /");
    const inside = (...command: string[]) => execFileSync("nsenter", ["-t", String(target), "-m", ...command]);
    const go = `${by.directory}/go`;
    const script = `echo ready; while [ ! -e ${go} ]; do sleep 0.02; done; ls late`;
    const running = by.start(["with", `pid:${target}:${by.directory}`, "--", "sh", "-c", script]);
    const text = textOf(running.stdout);
    await waitFor("the command", () => text().includes("ready"));
    inside("mount", "-t", "tmpfs", "tmpfs", late);
    writeFileSync(go, "");
    await running.ended;
    expect(text()).toBe("ready\nbelow\n");
  });

  test("a file system whose server may not answer is excluded by default", async () => {
    const by = user();
    const remote = await fuseTarget();
    onTestFinished(() => remote.stop());
    const list = async (...options: string[]) => {
      const place = `pid:${remote.pid}:${dirname(remote.place)}`;
      return (await by.run(["with", ...options, place, "--", "ls", "fs"])).text;
    };
    expect(await list()).toBe("");
    expect(await list("--all-mounts")).toContain("data\n");
  });

  test("a tree of another target is not attached", async () => {
    process.env.XDG_STATE_HOME = user().env.XDG_STATE_HOME;
    const [target, other] = [await ownMounts(":"), await ownMounts("mount -t tmpfs tmpfs /mnt")];
    const attach = async (from: number, tableOf: number) => {
      const tree = await takeTree({ kind: "process", pid: from, path: "/" }, {});
      const table = OwnedFd.adopt(openSync(`/proc/${tableOf}/mountinfo`, "r"));
      try {
        const trees = [{ name: "web:", tree: { ...tree, table } }];
        const launch = { at: ensureTreeDirectory(), trees, files: [], directory: ".", write: false, allMounts: false };
        return await runLaunched(launch, () => ["true"]);
      } finally {
        tree.close();
        table.close();
      }
    };
    expect(await attach(target, target)).toEqual({ status: 0, signal: null });
    await expect(attach(other, target)).rejects.toThrow("cannot attach the mounts: the tree web: is not the target's");
  });

  test("a FIFO instead of the container's /etc/hosts, or a link, is not shown to a shell", async () => {
    const by = user();
    const plant = "mount -t tmpfs tmpfs /etc && mkfifo /etc/hosts && ln -s /etc/shadow /etc/resolv.conf";
    const target = await ownMounts(plant, "--net");
    const shell = ["shell", "--in", "files,net", `pid:${target}`, "--"];
    const { stdout } = await by.run([...shell, "cat", "/etc/hosts", "/etc/resolv.conf"], { deadline: 30_000 });
    const own = ["/etc/hosts", "/etc/resolv.conf"].flatMap((path) => (existsSync(path) ? [readFileSync(path)] : []));
    expect(stdout).toEqual(Buffer.concat(own));
  });

  const kills = amount(200, 20);
  test(`the host's mounts are the same after ${counted(kills)} kills at random moments, and no command is left`, async () => {
    const by = user();
    const target = await sandbox();
    const first = performance.now();
    expect((await by.run(["with", `pid:${target.pid}:/`, "--", "true"])).code).toBe(0);
    const whole = performance.now() - first;
    // Finds the command by its argument among all processes.
    const seconds = `3000.${target.pid}`;
    // Alternates between a command that runs directly and a command whose launcher waits for it in
    // another namespace.
    const commands = [
      ["with", `pid:${target.pid}:/`],
      ["shell", "--in", "files,pid", `pid:${target.pid}`],
    ];
    for (let count = 0; count < kills; count++) {
      const running = by.start([...(commands[count % 2] ?? []), "--", "sleep", seconds]);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * whole * 1.2));
      running.child.kill("SIGKILL");
      await running.ended;
    }
    const left = () =>
      readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name) && isRunning(Number(name)))
        .filter((name) => procFile(name, "cmdline").includes(seconds));
    await waitFor("the commands to end", () => left().length === 0);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(by.directory);
    expect(readdirSync(`${by.env.XDG_STATE_HOME}/porthole/trees`)).toEqual([]);
  });
});
