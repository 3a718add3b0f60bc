import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A set of namespaces that is not ours, known by its first process. */
export interface NamespaceSandbox {
  /** Lowest pid of its processes, as this process sees it. */
  pid: number;
  /** Command line of that process. */
  command: string;
  /** Owner of that process. */
  uid: number;
  /** Which of its namespaces are not ours: `mnt`, `pid`, `user`, `net`. */
  apart: readonly string[];
  /** How many processes are in it. */
  processes: number;
}

const KINDS = ["mnt", "pid", "user", "net"] as const;

/**
 * Mount namespaces other than ours that this user may enter, made by bubblewrap, unshare, systemd and the like, or by an engine nobody was asked of.
 * Those of the processes in `known` (containers of the list) are left out.
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
    // Threads of the kernel have none.
    if (command === undefined) continue;
    const apart = KINDS.filter((kind, index) => namespaceOf(pid, kind) !== ours[index]);
    found.set(mount, { pid, command, uid: ownerOf(pid), apart, processes: 1 });
  }
  return [...found.values()];
}

/** `mnt:[4026531841]`; undefined where there is no such process or this user may not know. */
function namespaceOf(pid: number | "self", kind: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0$/, "").split("\0");
    return words.join(" ") || undefined;
  } catch {
    return undefined;
  }
}

function ownerOf(pid: number): number {
  try {
    return Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
