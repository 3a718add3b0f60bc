import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { parentOf } from "../../src/routes/process.ts";
import { waitFor } from "./wait-for.ts";

/** How many descriptors `pid` has open: for tests that nothing leaks. */
export function descriptorCount(pid: number | "self" = "self"): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** What the descriptors of `pid` lead to, as the kernel names it. */
export function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/**
 * The least RLIMIT_NOFILE with which `pid` still does what `look` asks of it: more with any descriptor that leaked. For the agent, whose
 * descriptors only root may count, since it is not dumpable; and the last one that it sent may be open there for a moment when it is here.
 *
 * @param look resolves to the errno's name, or "success"; nothing that passes a descriptor, which the limit also bears on for the whole user
 * (ETOOMANYREFS, unix(7))
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

/** The name that a process goes by (`/proc/PID/comm`), or `undefined` when it is gone. */
export function processName(pid: number): string | undefined {
  return read(`/proc/${pid}/comm`)?.trimEnd();
}

/**
 * The children of a process, zombies too, in ascending order. Not from `/proc/PID/task/PID/children`, which a kernel without
 * CONFIG_PROC_CHILDREN lacks.
 */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((child) => child > 0 && parentOf(child) === pid)
    .sort((a, b) => a - b);
}

/** True while `pid` runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  const state = read(`/proc/${pid}/stat`)?.replace(/^.*\) /s, "")[0];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** Every process for which `matches` says so of its arguments and its name. */
export function findProcesses(matches: (process: { pid: number; name: string; args: string[] }) => boolean): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      const name = pid > 0 ? processName(pid) : undefined;
      const args = read(`/proc/${pid}/cmdline`)?.split("\0") ?? [];
      return name !== undefined && isRunning(pid) && matches({ pid, name, args });
    });
}

/**
 * The direct route's agents for the process `target`, and their children: each serves a session, and may be seen a moment longer than it.
 */
export function directAgents(target: number): { agents: number[]; sessions: number[] } {
  const found = findProcesses(
    ({ args }) => args[1] === "direct" && args[args.indexOf("--target-pid") + 1] === String(target),
  );
  const parents = new Map(found.map((pid) => [pid, parentOf(pid)]));
  const isSession = (pid: number) => found.includes(parents.get(pid) ?? 0);
  // One that has gone since was no agent that stays.
  const agents = found.filter((pid) => parents.get(pid) !== undefined && !isSession(pid));
  return { agents, sessions: found.filter(isSession) };
}

/** Waits until the fixture program in `pid` has done its steps. */
export async function workloadReady(pid: number, failure: () => string | undefined = () => undefined): Promise<void> {
  await waitFor(`the program in process ${pid} to be ready`, () => {
    const failed = failure();
    if (failed !== undefined) throw new Error(failed);
    return processName(pid) === "ready";
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
