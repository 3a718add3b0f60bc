import { readdirSync } from "node:fs";
import { namespaceOf, procFile, statusField } from "../../descriptors/process.ts";

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
    found.set(mount, { pid, command, uid: Number.parseInt(statusField(pid, "Uid") ?? "0", 10), apart, processes: 1 });
  }
  return [...found.values()];
}

function commandOf(pid: number): string | undefined {
  const line = procFile(pid, "cmdline").replace(/\0$/, "").replaceAll("\0", " ");
  return Buffer.from(line, "latin1").toString() || undefined;
}
