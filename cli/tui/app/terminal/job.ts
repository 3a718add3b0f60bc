import { readdirSync, readFileSync } from "node:fs";
import { groupOf } from "../../../../src/descriptors/index.ts";

/**
 * Sends a signal to all descendants of this process in its own process group. Signalling only a
 * shell would leave its programs running on a terminal that they no longer own. Signalling the
 * whole group could hit the process that started this one.
 */
export function signalJob(signal: NodeJS.Signals): void {
  const group = groupOf(process.pid);
  // List all before the first signal: children of an ended process get another parent.
  for (const pid of descendants(process.pid).filter((one) => groupOf(one) === group)) {
    try {
      process.kill(pid, signal);
    } catch {
      // The process ended meanwhile.
    }
  }
}

/** proc_pid_task_tid_children(5): children belong to the thread that started them. */
function descendants(pid: number): number[] {
  const children = read(() => readdirSync(`/proc/${pid}/task`), []).flatMap((thread) =>
    read(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1"), "")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
  return [...children, ...children.flatMap(descendants)];
}

function read<T>(from: () => T, otherwise: T): T {
  try {
    return from();
  } catch {
    return otherwise;
  }
}
