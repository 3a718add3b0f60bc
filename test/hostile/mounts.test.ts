import { spawn, spawnSync } from "node:child_process";
import { constants, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { openPath } from "../../src/descriptors/files/file.ts";
import {
  addMountTable,
  canClassifyRoot,
  localTypes,
  servedBy,
  trustMountTable,
} from "../../src/descriptors/files/file-system.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { connect } from "../../src/sessions/connect.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";
import { bundleScript } from "../descriptors/run-script.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { type FuseTarget, fuseTarget } from "../helpers/fuse.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { repository } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { findProcesses, processName, workloadReady } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { kinds } from "./kinds.ts";
import { lyingAgent, statFor } from "./lying-agent.ts";

test("host and agent treat the same file system types as local", () => {
  const source = readFileSync(`${repository}agent/mounts.c`, "utf8");
  const lists = [...source.matchAll(/(?:storage|kernel)_types\[\] = \{([^}]*)\}/g)].map(([, list = ""]) => list);
  expect(lists).toHaveLength(2);
  const types = lists.flatMap((list) => [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1]));
  expect(types.sort()).toEqual([...localTypes].sort());
});

describe("the server of a file", () => {
  test("is the kernel for local file systems, for memory and for most of /proc", () => {
    for (const path of ["/proc/self/exe", "/proc/self/status", "/sys/kernel/mm", "/dev/shm"])
      expect(servedBy(owned(openPath(path, constants.O_RDONLY))), path).toBe("kernel");
    expect(servedBy(owned((kinds["a memfd"] as () => OwnedFd)()))).toBe("kernel");
  });

  test("may be another process for the memory of a process", () => {
    for (const name of ["mem", `task/${process.pid}/mem`])
      expect(servedBy(owned(openPath(`/proc/${process.pid}/${name}`, constants.O_RDONLY))), name).toBe("server");
  });

  test("is unknown for the root of a missing process, and known for this process", () => {
    expect([canClassifyRoot(0), canClassifyRoot(2 ** 30), canClassifyRoot(process.pid)]).toEqual([false, false, true]);
  });

  test("is unknown for the root of a process under chroot(2), but known for mounts below it", async () => {
    const target = await sandbox({ steps: ["tmpfs", "/tmp", "write", "/tmp/x", "x"] });
    expect(canClassifyRoot(target.pid)).toBe(false);
    const file = owned(openPath(`/proc/${target.pid}/root/tmp/x`, constants.O_RDONLY));
    expect(servedBy(file)).toBe("kernel");
  });
});

/**
 * Starts a process in its own mount namespace, with an overlay at `/proc/PID/root` + the returned
 * point. Its layers are below `layers`, relative to a new directory.
 * @param command the shell's next command; default: sleep
 */
async function overlayInside({ layers = ".", command = "exec -a ready sleep 3600" } = {}) {
  const directory = temporaryDirectory();
  for (const name of ["lower", "upper", "work"]) mkdirSync(`${directory}/${layers}/${name}`, { recursive: true });
  mkdirSync(`${directory}/point`);
  writeFileSync(`${directory}/${layers}/lower/file`, "x");
  copyFileSync(inject("machine").workload, `${directory}/${layers}/lower/workload`);
  const options = ["lower", "upper", "work"].map((name) => `${name}dir=${directory}/${layers}/${name}`).join(",");
  const mount = `mount -t overlay overlay -o ${options} point && ${command}`;
  const child = spawn("unshare", ["--mount", "bash", "-c", mount], { cwd: directory, stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const pid = child.pid ?? 0;
  const isReady = () => readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("ready");
  await waitFor("the overlay", () => isReady() || processName(pid) === "ready");
  addMountTable(pid);
  return { pid, file: `/proc/${pid}/root${directory}/point/file` };
}

describeAsRoot("an agent that passes a file of a silent FUSE server as a local file", () => {
  let fuse: FuseTarget;
  const someone = user();
  beforeAll(async () => {
    fuse = await fuseTarget();
  });
  afterAll(() => fuse.stop());

  /**
   * Starts the liar and returns its target. It is killed after the test, and hangs until its server
   * ends.
   */
  async function liar(way: string, targetPid: number): Promise<string> {
    const script = await bundleScript(`
      import { lie } from "${repository}test/hostile/fuse-liar.ts";
      lie(process.argv.slice(2));`);
    const path = `/proc/${fuse.pid}/root${fuse.place}/no-flush`;
    const args = [script, `${someone.directory}/state`, path, String(targetPid), way];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const line = (await child.stdout.iterator().next()).value as Buffer | undefined;
    return line?.toString().trim() ?? "";
  }

  /**
   * Ends processes that outlive a command, which exist so that the command's end waits for no
   * server.
   */
  const endKeepers = (target: string) => {
    const keepers = findProcesses(({ args }) => args.some((one) => one.includes(target)));
    for (const pid of keepers) process.kill(pid, "SIGKILL");
    return keepers.length;
  };

  test("is detected by the mount table, and is unknown without it", () => {
    const file = owned(openPath(`/proc/${fuse.pid}/root${fuse.place}/data`, constants.O_RDONLY));
    expect(servedBy(file)).toBe("unknown");
    addMountTable(fuse.pid);
    expect(servedBy(file)).toBe("server");
  });

  test("is detected on an overlay that was mounted inside", async () => {
    expect(servedBy(owned(openPath((await overlayInside()).file, constants.O_RDONLY)))).toBe("server");
  });

  test("counts an overlay of a trusted table as local only with layers of containerd", async () => {
    for (const [snapshotter, server] of [
      ["io.containerd.snapshotter.v1.overlayfs", "kernel"],
      ["io.containerd.snapshotter.v1.stargz", "server"],
      ["overlay2", "server"],
    ] as const) {
      const { pid, file } = await overlayInside({ layers: `${snapshotter}/snapshots/7` });
      const opened = owned(openPath(file, constants.O_RDONLY));
      expect(servedBy(opened)).toBe("server");
      trustMountTable(pid);
      expect(servedBy(opened), snapshotter).toBe(server);
    }
  });

  test("an overlay as the root is relayed if only a process inside can have mounted it", async () => {
    const { pid } = await overlayInside({ command: "exec chroot point /workload" });
    const result = await someone.run(["cat", `pid:${pid}:/file`]);
    expect(result).toMatchObject({ code: 0, text: "x" });
    expect(result.stderr).toMatch(/^porthole: pid:\d+:\/file: relayed by the agent, [^\n]*\n$/);
  });

  test.each([
    ["a file", "cat", /without relaying it|cannot be checked/],
    ["a relay's pipe", "cat", /a file instead of the announced fifo/],
    ["a directory's entries", "ls", /a file instead of a pipe/],
    ["the answer to nothing", "cat", /a reply to request 99/],
    ["part of an error", "cat", /an error reply with a body or descriptors/],
  ])("as %s makes the command report it and end, and close its output", async (way, command, complaint) => {
    for (const targetPid of [fuse.pid, process.pid]) {
      const target = await liar(way, targetPid);
      const result = await someone.run([command, `${target}:/x`], { deadline: 100_000 });
      expect(result.stderr).toMatch(/^porthole: .*protocol violation: .*\n$/);
      expect(result.stderr).toMatch(complaint);
      expect(result).toMatchObject({ code: 5, text: "" });
      expect(endKeepers(target)).toBe(1);
    }
  });

  test("of a target that has ended is not reported as a violation, because no table shows its mounts", async () => {
    const { pid } = spawnSync("true");
    const target = await liar("a file", pid);
    const result = await someone.run(["cat", `${target}:/x`], { deadline: 100_000 });
    expect(result).toMatchObject({
      code: 5,
      text: "",
      stderr: expect.stringMatching(/: the target has just ended \(try again\)\n$/),
    });
    expect(endKeepers(target)).toBe(1);
  });

  test("as an inotify instance makes the follow of a descriptor poll, and an interrupt ends it", async () => {
    const target = await liar("an inotify instance", fuse.pid);
    const { child, stdout, complaints } = someone.start(["tail", "-c", "1", "-f", `${target}:/x`]);
    stdout.resume();
    const ended = new Promise<unknown>((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
    // The keeper of the command has the same command line.
    const named = () => findProcesses(({ args }) => args.some((one) => one.startsWith(target)));
    await waitFor("the false answer", () => named().length > 1);
    expect(complaints()).toBe("");
    child.kill("SIGINT");
    expect(await ended).toBe("SIGINT");
    endKeepers(target);
  });

  test("as an inotify instance makes the follow stop after the third time with one line", async () => {
    const target = await liar("an inotify instance", fuse.pid);
    const result = await someone.run(["tail", "-c", "0", "-F", `${target}:/x`], { deadline: 150_000 });
    expect(result.stderr).toMatch(
      /^tail: [^\n]*protocol violation: [^\n]*3 times; giving up on it\ntail: no files remaining\n$/,
    );
    expect(result).toMatchObject({ code: 1, text: "" });
    expect(endKeepers(target)).toBe(1);
  });

  test("does not prevent an interrupt from ending a program that continues without the file", async () => {
    const target = await liar("a file", fuse.pid);
    const source = `
      const { connect } = await import("${repository}dist/index.js");
      const session = await connect("${target}:/");
      await session.open("/x").catch((error) => console.log(error.message));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
      env: someone.env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise<unknown>((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
    const line = (await child.stdout.iterator().next()).value as Buffer | undefined;
    expect(line?.toString()).toContain("a file whose file system may not respond, without relaying it");
    child.kill("SIGINT");
    expect(await ended).toBe("SIGINT");
    child.stdout.destroy();
    endKeepers(target);
  });
});

describeAsRoot("without a mount table", () => {
  test("an unknown agent must relay everything, and a passed file is refused", async () => {
    const state = temporaryDirectory();
    vi.stubEnv("XDG_STATE_HOME", state);
    onTestFinished(() => void vi.unstubAllEnvs());
    const asked: number[] = [];
    const file = owned(openPath("/proc/self/exe", constants.O_RDONLY));
    const agent = lyingAgent(
      state,
      {
        open: (request, client) => {
          asked.push(Buffer.from(request.body).readUInt32LE());
          client.answer(request, statFor(file), [file]);
        },
      },
      { targetPid: 2 ** 22 + 1 },
    );
    onTestFinished(agent.stop);
    const session = await connect(`${agent.target}:/`);
    const opened = await session.open("/x");
    // A local file, which can still be checked.
    expect(asked).toEqual([8]);
    opened.close();
    session.close();
  });

  test("an ordinary user can read the mount table of root's process, so the checks work", async () => {
    const target = await sandbox({ userNamespace: false });
    await workloadReady(target.pid);
    const one = user({ uid: ORDINARY_USER });

    const { stdout } = spawnSync(
      "setpriv",
      [`--reuid=${one.uid}`, `--regid=${one.uid}`, "--clear-groups", "cat", `/proc/${target.pid}/mountinfo`],
      { encoding: "utf8" },
    );
    expect(stdout).toMatch(/ - proc /);
  });
});
