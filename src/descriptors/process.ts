import { readFileSync, readlinkSync } from "node:fs";
import { PortholeError, readOr } from "../errors.ts";

/**
 * True if the kernel lets this user into the namespaces of `pid`. Reading a namespace link requires
 * the same right (PTRACE_MODE_READ) as entering `/proc/PID/root`. The owner of a user namespace has
 * this right in it (user_namespaces(7)).
 */
export function canEnterNamespaces(pid: number): boolean {
  return namespaceOf(pid, "mnt") !== undefined;
}

/**
 * A namespace of a process, such as `mnt:[4026531841]`; undefined if there is no such process or
 * access is denied.
 */
export function namespaceOf(pid: number | "self", kind: NamespaceKind): string | undefined {
  return readOr(undefined, () => readlinkSync(`/proc/${pid}/ns/${kind}`));
}

export type NamespaceKind = "mnt" | "net" | "pid" | "user";

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
  const process = lastNumber(pid, "Tgid") ?? pid;
  if (started !== undefined && process === pid) return started;
  const hint = process === pid ? undefined : `it is a thread of process ${process}`;
  throw new PortholeError("TARGET", `no such process: ${pid}`, { errno: "ESRCH", hint });
}

/** State of a process as a letter (proc_pid_stat(5)); undefined if there is no such process. */
export function stateOf(pid: number): string | undefined {
  return statFields(pid)?.[0];
}

/** Parent of a process; undefined if there is no such process. */
export function parentOf(pid: number): number | undefined {
  return numberOf(statFields(pid)?.[1]);
}

/** Process group of a process; undefined if there is no such process. */
export function groupOf(pid: number): number | undefined {
  return numberOf(statFields(pid)?.[2]);
}

function numberOf(field: string | undefined): number | undefined {
  return field === undefined ? undefined : Number(field);
}

/**
 * Arguments of a process (proc_pid_cmdline(5)), the program first; empty if there is no such
 * process.
 */
export function commandLineOf(pid: number): string[] {
  return procFile(pid, "cmdline").split("\0").slice(0, -1);
}

/**
 * Pid of a process in its innermost PID namespace: 1 for a container's first process, unless the
 * container shares another namespace.
 */
export function innerPid(pid: number): number {
  return lastNumber(pid, "NSpid") ?? 1;
}

/** True if a control group of the process (cgroups(7)) contains the container's id. */
export function inCgroupOf(pid: number, id: string): boolean {
  const groups = procFile(pid, "cgroup");
  return groups !== "" && groups.includes(id);
}

/** The last number of a field of proc_pid_status(5); undefined if /proc does not show it. */
function lastNumber(pid: number, name: "NSpid" | "Tgid"): number | undefined {
  return numberOf(statusField(pid, name)?.split(/\s+/).at(-1));
}

/** A field of proc_pid_status(5); undefined if /proc does not show it. */
export function statusField(pid: number | "self", name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m").exec(procFile(pid, "status"))?.[1];
}

/**
 * Fields of proc_pid_stat(5) from the third (state). The command before them may contain blanks and
 * parentheses.
 */
function statFields(pid: number): string[] | undefined {
  const stat = procFile(pid, "stat");
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** A file of /proc/PID. Empty if the process does not exist or is hidden. */
export function procFile(pid: number | string, name: string): string {
  return readOr("", () => readFileSync(`/proc/${pid}/${name}`, "latin1"));
}

/**
 * True if `capabilities`, bits of linux/capability.h, are in the bounding set of a process, or
 * /proc does not show the set.
 */
export function boundingSetHas(pid: number, capabilities: bigint): boolean {
  const set = statusField(pid, "CapBnd");
  return set === undefined || (BigInt(`0x${set}`) & capabilities) === capabilities;
}

/** Every capability that this kernel knows (capabilities(7), cap_last_cap). */
export function allCapabilities(): bigint {
  return (1n << (BigInt(readFileSync("/proc/sys/kernel/cap_last_cap", "latin1").trim()) + 1n)) - 1n;
}
