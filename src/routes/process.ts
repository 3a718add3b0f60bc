import { readFileSync, readlinkSync } from "node:fs";
import { PortholeError, rethrowAtLimit } from "../errors.ts";

/**
 * True if the kernel lets this user into the namespaces of `pid`. Reading a namespace link requires
 * the same right (PTRACE_MODE_READ) as entering `/proc/PID/root`. The owner of a user namespace has
 * this right in it (user_namespaces(7)).
 */
export function canEnterNamespaces(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/ns/mnt`);
    return true;
  } catch (error) {
    rethrowAtLimit(error);
    return false;
  }
}

/**
 * Start time of a process in clock ticks since boot (proc_pid_stat(5), field 22); undefined if it
 * does not exist or has ended.
 */
export function startTime(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields === undefined || fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/**
 * As {@link startTime}, of a process that a user names.
 * @throws PortholeError TARGET with ESRCH if there is none, or a thread has the number
 */
export function requireStartTime(pid: number): string {
  const started = startTime(pid);
  const process = statusField(pid, "Tgid") ?? pid;
  if (started !== undefined && process === pid) return started;
  const hint = process === pid ? undefined : `it is a thread of process ${process}`;
  throw new PortholeError("TARGET", `no such process: ${pid}`, { errno: "ESRCH", hint });
}

/** Parent of a process; undefined if there is no such process. */
export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/**
 * Arguments of a process (proc_pid_cmdline(5)), the program first; empty if there is no such
 * process.
 */
export function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").slice(0, -1);
  } catch (error) {
    rethrowAtLimit(error);
    return [];
  }
}

/**
 * Pid of a process in its innermost PID namespace: 1 for a container's first process, unless the
 * container shares another namespace.
 */
export function innerPid(pid: number): number {
  return statusField(pid, "NSpid") ?? 1;
}

/** True if a control group of the process (cgroups(7)) contains the container's id. */
export function inCgroupOf(pid: number, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "latin1").includes(id);
  } catch (error) {
    rethrowAtLimit(error);
    return false;
  }
}

/** The last number of a field of proc_pid_status(5); undefined if /proc does not show it. */
function statusField(pid: number, name: "NSpid" | "Tgid"): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const numbers = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1];
    return numbers === undefined ? undefined : Number(numbers.trim().split(/\s+/).at(-1));
  } catch (error) {
    rethrowAtLimit(error);
    return undefined;
  }
}

/**
 * Fields of proc_pid_stat(5) from the third (state). The command before them may contain blanks and
 * parentheses.
 */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    rethrowAtLimit(error);
    return undefined;
  }
}

/**
 * True if `capabilities`, bits of linux/capability.h, are in the bounding set of a process, or
 * /proc does not show the set.
 */
export function boundingSetHas(pid: number, capabilities: bigint): boolean {
  try {
    const set = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return set === undefined || (BigInt(`0x${set}`) & capabilities) === capabilities;
  } catch (error) {
    rethrowAtLimit(error);
    return true;
  }
}

/** Every capability that this kernel knows (capabilities(7), cap_last_cap). */
export function allCapabilities(): bigint {
  return (1n << (BigInt(readFileSync("/proc/sys/kernel/cap_last_cap", "latin1").trim()) + 1n)) - 1n;
}
