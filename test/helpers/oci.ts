import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { inject } from "vitest";
import { procFile } from "../../src/descriptors/process.ts";
import { type CgroupView, inView } from "./cgroup-view.ts";
import { uniqueName } from "./engine.ts";
import { childrenOf, isRunning, workloadReady } from "./processes.ts";
import { removeDirectory } from "./remove-directory.ts";
import { waitFor } from "./wait-for.ts";

/** A container without an engine. */
export interface RuntimeContainer {
  /** Pid of its first process on the host. */
  pid: number;
  stop(): Promise<void>;
}

/** Starts the workload program with an OCI runtime directly: no engine, no containerd. */
export async function runtimeContainer(
  runtime: "runc" | "crun",
  steps: readonly string[],
  view: CgroupView = "as it is",
): Promise<RuntimeContainer> {
  const { directory, root } = bundle();
  const state = `${directory}/state`;
  const id = uniqueName();
  const specification = spawnSync(runtime, ["spec"], { cwd: directory, encoding: "utf8" });
  if (specification.status !== 0) throw new Error(`${runtime} spec: ${specification.stderr}`);
  const path = `${directory}/config.json`;
  const config = JSON.parse(readFileSync(path, "utf8"));
  Object.assign(config.process, { terminal: false, args: ["/workload", ...steps], rlimits: [] });
  for (const set of Object.values<string[]>(config.process.capabilities)) set.push("CAP_MKNOD");
  Object.assign(config.root, { path: root, readonly: false });
  writeFileSync(path, JSON.stringify(config));
  const [file = "", ...args] = [...inView(view), runtime, "--root", state, "run", "--detach", id];
  // The container inherits the output and outlives the program, so a pipe would stay open.
  const log = `${directory}/log`;
  const started = spawnSync("sh", ["-c", 'exec "$@" >"$LOG" 2>&1 </dev/null', "sh", file, ...args], {
    cwd: directory,
    env: { ...process.env, LOG: log },
  });
  const stop = async (pid?: number) => {
    // Use the same view as at the start. Otherwise the runtime does not find the control groups.
    const [command = "", ...words] = [...inView(view), runtime, "--root", state, "delete", "--force", id];
    spawnSync(command, words);
    await gone(pid);
    removeDirectory(directory);
  };
  if (started.status !== 0) {
    await stop();
    throw new Error(`${runtime} run: ${readFileSync(log, "utf8")}`);
  }
  const { stdout } = spawnSync(runtime, ["--root", state, "state", id], { encoding: "utf8" });
  const { pid } = JSON.parse(stdout) as { pid: number };
  return readyOrStopped(pid, () => stop(pid));
}

/**
 * Starts the workload program with containerd's own client. `socket` is the socket of containerd.
 */
export async function containerdContainer(socket: string, steps: readonly string[]): Promise<RuntimeContainer> {
  const { directory, root } = bundle();
  const id = uniqueName();
  const ctr = (...args: string[]) =>
    spawnSync("ctr", ["--address", socket, "--namespace", "porthole-test", ...args], { encoding: "utf8" });
  const stop = async () => {
    ctr("task", "kill", "--signal", "KILL", id);
    await waitFor(
      "the task to end",
      () => ctr("task", "rm", id).status === 0 || !ctr("task", "ls").stdout.includes(id),
    );
    ctr("container", "rm", id);
    await gone(pid);
    removeDirectory(directory);
  };
  const started = ctr("run", "--rootfs", "--detach", "--null-io", root, id, "/workload", ...steps);
  if (started.status !== 0) throw new Error(`ctr run: ${started.stderr}`);
  const pid = Number(new RegExp(`^${id}\\s+(\\d+)`, "m").exec(ctr("task", "ls").stdout)?.[1]);
  return readyOrStopped(pid, stop);
}

/** Returns the container when its program is ready; removes it on failure. */
async function readyOrStopped(pid: number, stop: () => Promise<void>): Promise<RuntimeContainer> {
  try {
    await workloadReady(pid);
    return { pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for the end of a container's first process. It must not outlive the tests. */
async function gone(pid: number | undefined): Promise<void> {
  if (pid !== undefined && pid > 0) await waitFor(`process ${pid} of the container to end`, () => !isRunning(pid));
}

/**
 * Starts a program that creates a target; `pidOf` finds the target's process from the started
 * process.
 */
export async function started(
  command: readonly string[],
  pidOf: (pid: number) => number | undefined,
): Promise<RuntimeContainer> {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { stdio: "ignore", cwd: "/", env: { PATH: process.env.PATH } });
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    const failure = () => (child.exitCode === null && child.signalCode === null ? undefined : `${file} ended`);
    const pid = await waitFor(`the target of ${file}`, () => {
      if (failure() !== undefined) throw new Error(failure());
      return pidOf(child.pid ?? 0);
    });
    await workloadReady(pid, failure);
    return { pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes a root directory with the workload program, accessible to every user. */
export function bundle(): { directory: string; root: string } {
  const directory = mkdtempSync(`${inject("machine").directory}/oci-`);
  const root = `${directory}/rootfs`;
  chmodSync(directory, 0o755);
  for (const name of ["", "/proc", "/dev", "/tmp"]) mkdirSync(root + name, { mode: 0o755 });
  chmodSync(`${root}/tmp`, 0o1777);
  copyFileSync(inject("machine").workload, `${root}/workload`);
  return { directory, root };
}

/** Returns the process below `pid` that runs the workload program. */
export function workloadBelow(pid: number): number | undefined {
  for (const child of childrenOf(pid)) {
    const found = /^[^\0]*workload\0/.test(procFile(child, "cmdline")) ? child : workloadBelow(child);
    if (found !== undefined) return found;
  }
  return undefined;
}
