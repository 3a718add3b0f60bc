import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { rethrowAtLimit } from "../errors.ts";

/** A set of foreign namespaces, identified by its first process. */
export interface NamespaceSandbox {
  /** Lowest pid of its processes in this PID namespace. */
  pid: number;
  /** Command line of that process. */
  command: string;
  /** Owner of that process. */
  uid: number;
  /** Which of its namespaces differ from ours: `mnt`, `pid`, `user`, `net`. */
  apart: readonly string[];
  /** Number of its processes. */
  processes: number;
}

const KINDS = ["mnt", "pid", "user", "net"] as const;

/**
 * Finds foreign mount namespaces that this user may enter. They are from bubblewrap, unshare,
 * systemd and others, or from an engine that was not queried.
 * @param known pids of listed containers, which are omitted
 */
export function namespaceSandboxes(known: readonly number[] = []): NamespaceSandbox[] {
  const ours = KINDS.map((kind) => namespaceOf("self", kind));
  const taken = new Set(known.map((pid) => namespaceOf(pid, "mnt")));
  const found = new Map<string, NamespaceSandbox>();
  const pids = readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .sort((a, b) => a - b);
  for (const pid of pids) {
    const mount = namespaceOf(pid, "mnt");
    if (mount === undefined || mount === ours[0] || taken.has(mount)) continue;
    const before = found.get(mount);
    if (before) {
      before.processes++;
      continue;
    }
    const command = commandOf(pid);
    // Kernel threads have no arguments.
    if (command === undefined) continue;
    const apart = KINDS.filter((kind, index) => namespaceOf(pid, kind) !== ours[index]);
    found.set(mount, { pid, command, uid: ownerOf(pid), apart, processes: 1 });
  }
  return [...found.values()];
}

/**
 * Returns a namespace such as `mnt:[4026531841]`; undefined if there is no such process or access
 * is denied.
 */
function namespaceOf(pid: number | "self", kind: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch (error) {
    rethrowAtLimit(error);
    return undefined;
  }
}

function commandOf(pid: number): string | undefined {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0$/, "").split("\0");
    return args.join(" ") || undefined;
  } catch (error) {
    rethrowAtLimit(error);
    return undefined;
  }
}

function ownerOf(pid: number): number {
  try {
    return Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0);
  } catch (error) {
    rethrowAtLimit(error);
    return 0;
  }
}
