import { spawn } from "node:child_process";
import { chownSync, copyFileSync, mkdirSync, mkdtempSync } from "node:fs";
import { beforeAll, inject } from "vitest";
import { afterEachFile } from "./cleanup.ts";
import { asUser } from "./machine.ts";
import { childrenOf, isRunning, workloadReady } from "./processes.ts";
import { removeDirectory } from "./remove-directory.ts";
import { waitFor } from "./wait-for.ts";

/** A container-like target without an engine. */
export interface Sandbox {
  /** Pid of its first process on the host, for `pid:N:/path`. */
  pid: number;
  /** Its root directory on the host, without the mounts of its namespace. */
  root: string;
  /** Ends it and removes its directory. Idempotent. */
  stop(): Promise<void>;
}

export interface SandboxOptions {
  /**
   * Steps of test/fixtures/workload.c for its first process: `["tmpfs", "/tmp", "write",
   * "/tmp/log", "text"]`.
   */
  steps?: string[];
  /** The user that starts it; default: the user that runs the tests. Other users need root. */
  uid?: number;
  /** True to create a user namespace, as an ordinary user must. Default: true. */
  userNamespace?: boolean;
}

const running = new Set<() => Promise<void>>();

afterEachFile(async () => {
  await Promise.all([...running].map((stop) => stop()));
  running.clear();
});

/**
 * Returns a sandbox for all tests of a file or block. It starts before the first of them, which
 * sets its fields.
 */
export function sandboxOfTests(options?: SandboxOptions): Sandbox {
  const started = {} as Sandbox;
  beforeAll(async () => void Object.assign(started, await sandbox(options)));
  return started;
}

/**
 * Starts the workload program in new mount and PID namespaces, with a new root: /workload, /proc,
 * /dev and an empty /tmp.
 */
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
    // unshare kills it but does not wait for it. Until it ends, it is a target and in its control
    // group.
    await waitFor("the sandbox's first process to end", () => first === undefined || !isRunning(first));
    removeDirectory(root);
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
