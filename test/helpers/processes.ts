import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { parentOf, procFile, startTime } from "../../src/descriptors/process.ts";
import { waitFor } from "./wait-for.ts";

/** Counts the open descriptors of `pid`, to detect leaks. */
export function descriptorCount(pid: number | "self" = "self"): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Returns the link targets of the descriptors of `pid`. */
export function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // The process has closed it in the meantime.
    }
  });
}

/**
 * Returns the minimum RLIMIT_NOFILE with which `look` succeeds for `pid`: each leaked descriptor
 * increases it. Use it for the agent: it is not dumpable, so only root can count its descriptors.
 * The agent may keep the last sent descriptor open for a moment.
 *
 * @param look resolves to the name of the errno, or "success". It must not pass a descriptor: the
 * limit also counts the descriptors in flight of the user (ETOOMANYREFS, unix(7)).
 */
export async function descriptorsNeeded(pid: number, look: () => Promise<string>): Promise<number> {
  const usual = /^Max open files +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1];
  const limit = (most: number | string) => execFileSync("prlimit", [`--pid=${pid}`, `--nofile=${most}:`]);
  try {
    for (let most = 4; ; most++) {
      limit(most);
      const outcome = await look();
      if (outcome === "success") return most;
      if (outcome !== "EMFILE") throw new Error(`${outcome} with at most ${most} descriptors`);
    }
  } finally {
    limit(usual ?? "");
  }
}

/** Returns the name of a process (`/proc/PID/comm`), or `undefined` if it has ended. */
export function processName(pid: number): string | undefined {
  return procFile(pid, "comm").trimEnd() || undefined;
}

/**
 * Returns the children of a process, including zombies, in ascending order. Does not use
 * `/proc/PID/task/PID/children`, which a kernel without CONFIG_PROC_CHILDREN lacks.
 */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((child) => child > 0 && parentOf(child) === pid)
    .sort((a, b) => a - b);
}

/** True while `pid` runs. A zombie does not run. */
export function isRunning(pid: number): boolean {
  return startTime(pid) !== undefined;
}

/** Finds processes whose arguments and name satisfy `matches`. */
export function findProcesses(matches: (process: { pid: number; name: string; args: string[] }) => boolean): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      const name = pid > 0 ? processName(pid) : undefined;
      const args = procFile(pid, "cmdline").split("\0");
      return name !== undefined && isRunning(pid) && matches({ pid, name, args });
    });
}

/**
 * Finds the agents of the direct route for the process `target`. Also returns their children, which
 * serve sessions and may outlive them for a moment.
 */
export function directAgents(target: number): { agents: number[]; sessions: number[] } {
  const found = findProcesses(
    ({ args }) => args[1] === "direct" && args[args.indexOf("--target-pid") + 1] === String(target),
  );
  const parents = new Map(found.map((pid) => [pid, parentOf(pid)]));
  const isSession = (pid: number) => found.includes(parents.get(pid) ?? 0);
  // Ignore a process that has ended since.
  const agents = found.filter((pid) => parents.get(pid) !== undefined && !isSession(pid));
  return { agents, sessions: found.filter(isSession) };
}

/** Waits until the fixture program in `pid` has finished its steps. */
export async function workloadReady(pid: number, failure: () => string | undefined = () => undefined): Promise<void> {
  await waitFor(`the program in process ${pid} to be ready`, () => {
    const failed = failure();
    if (failed !== undefined) throw new Error(failed);
    return processName(pid) === "ready";
  });
}

/** Maximum resident memory of a process so far, in MB: proc_pid_status(5), VmHWM. */
export function peakMemoryMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
