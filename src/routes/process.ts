import { readFileSync, readlinkSync } from "node:fs";

/**
 * True if the kernel lets this user into the namespaces of `pid`. Reading a namespace link requires
 * the same right (PTRACE_MODE_READ) as entering `/proc/PID/root`. The owner of a user namespace has
 * it there (user_namespaces(7)).
 */
export function canEnterNamespaces(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/ns/mnt`);
    return true;
  } catch {
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

/** Parent of a process; undefined if there is no such process. */
export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/**
 * Arguments of a process (proc_pid_cmdline(5)), the program first; empty if there is no such
 * process.
 */
export function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

/**
 * Pid of a process in its innermost PID namespace: 1 for a container's first process, unless the
 * container shares another namespace.
 */
export function innerPid(pid: number): number {
  try {
    const line = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return Number(line?.trim().split(/\s+/).at(-1) ?? 1);
  } catch {
    return 1;
  }
}

/** True if a control group of the process (cgroups(7)) contains the container's id. */
export function inCgroupOf(pid: number, id: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "latin1").includes(id);
  } catch {
    return false;
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
  } catch {
    return undefined;
  }
}

/**
 * True if `capability`, a bit of linux/capability.h, is in the bounding set of a process, or /proc
 * does not show the set.
 */
export function boundingSetHas(pid: number, capability: bigint): boolean {
  try {
    const set = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return set === undefined || (BigInt(`0x${set}`) & capability) !== 0n;
  } catch {
    return true;
  }
}
