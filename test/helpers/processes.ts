import { readdirSync, readFileSync } from "node:fs";
import { waitFor } from "./wait-for.ts";

/** How many descriptors `pid` has open: for tests that nothing leaks. */
export function descriptorCount(pid: number | "self" = "self"): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The name that a process goes by (`/proc/PID/comm`), or `undefined` when it is gone. */
export function processName(pid: number): string | undefined {
  return read(`/proc/${pid}/comm`)?.trimEnd();
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
