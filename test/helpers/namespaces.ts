import { spawn } from "node:child_process";
import { chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { afterAll, inject } from "vitest";
import { asUser } from "./machine.ts";
import { childrenOf, isRunning, workloadReady } from "./processes.ts";
import { waitFor } from "./wait-for.ts";

/** A container-like target that no engine made. */
export interface Sandbox {
  /** Of its first process, as the host sees it: what `pid:N:/path` takes. */
  pid: number;
  /** Its root directory, as the host sees it; what it mounts itself does not show here. */
  root: string;
  /** Ends it and removes its directory; a second time does nothing. */
  stop(): Promise<void>;
}

export interface SandboxOptions {
  /** Steps of test/fixtures/workload.c, done inside as its first process: `["tmpfs", "/tmp", "write", "/tmp/log", "text"]`. */
  steps?: string[];
  /** Who starts it; default: who runs the tests. Others need root. */
  uid?: number;
  /** In a user namespace of its own, as an ordinary user must; default true. */
  userNamespace?: boolean;
}

const running = new Set<() => Promise<void>>();

afterAll(async () => {
  await Promise.all([...running].map((stop) => stop()));
});

/** Starts the workload program in mount and PID namespaces of its own, with a root of its own: /workload, /proc, /dev and /tmp, empty. */
export async function sandbox({ steps = [], uid, userNamespace = true }: SandboxOptions = {}): Promise<Sandbox> {
  const owner = uid ?? process.getuid?.() ?? 0;
  const { directory, workload } = inject("machine");
  const root = mkdtempSync(`${directory}/sandbox-`);
  for (const name of ["proc", "dev", "tmp"]) mkdirSync(`${root}/${name}`);
  copyFileSync(workload, `${root}/workload`);
  for (const name of ["", "/proc", "/dev", "/tmp"]) chownSync(`${root}${name}`, owner, owner);
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", `--root=${root}`];
  const [command = "", ...args] = [
    ...asUser(owner === process.getuid?.() ? 0 : owner),
    ...["unshare", ...(userNamespace ? ["--user", "--map-root-user"] : []), ...namespaces, "/workload", ...steps],
  ];
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], cwd: "/", env: {} });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      complaint += error.message;
      resolve();
    });
    child.once("close", () => resolve());
  });
  const isOver = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  let first: number | undefined;
  const stop = async () => {
    if (!isOver()) child.kill("SIGKILL");
    await ended;
    // Killed with unshare, and not waited for by it: until it has ended it is a target still, and in its control group.
    await waitFor("the sandbox's first process to end", () => first === undefined || !isRunning(first));
    rmSync(root, { recursive: true, force: true });
    running.delete(stop);
  };
  running.add(stop);
  const failure = () => (isOver() ? `the sandbox ended: ${complaint.trim()}` : undefined);
  const pid = await waitFor("the sandbox's first process", () => {
    const failed = failure();
    if (failed !== undefined) throw new Error(failed);
    return childrenOf(child.pid ?? 0)[0];
  });
  first = pid;
  await workloadReady(pid, failure);
  return { pid, root, stop };
}
