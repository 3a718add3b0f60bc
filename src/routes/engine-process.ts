import { statSync } from "node:fs";
import { peerCredentials } from "../descriptors/fd-socket.ts";
import type { Engine } from "../engines/engine.ts";
import { connectEngine } from "../engines/http.ts";

/**
 * Pid of the process that listens on an engine's socket (SO_PEERCRED); 0 if it is not in this PID
 * namespace.
 * @throws PortholeError with the errno of connect(2)
 */
export function enginePid({ socketPath }: Engine): number {
  const connection = connectEngine(socketPath);
  try {
    return peerCredentials(connection).pid;
  } finally {
    connection.close();
  }
}

/**
 * True if a path is the same file for process `pid` as for this one, or exists for neither. An
 * engine in a container has directories of its own under the same names.
 */
export function isSameFileFor(pid: number, path: string): boolean {
  return pid > 0 && identity(path) === identity(`/proc/${pid}/root${path}`);
}

function identity(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev} ${stat.ino}`;
}
