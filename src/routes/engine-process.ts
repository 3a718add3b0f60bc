import { statSync } from "node:fs";
import { peerCredentials } from "../descriptors/fd-socket.ts";
import type { Engine } from "../engines/engine.ts";
import { connectEngine } from "../engines/http.ts";

/**
 * The process that listens on an engine's socket, as the kernel says it (SO_PEERCRED); 0 where it is none of this PID namespace.
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
 * True when a path is the same file or directory for process `pid` as for this one: an engine in a container has directories of its own by the names of
 * this machine's. One that is not there for either is the same.
 */
export function isSameFileFor(pid: number, path: string): boolean {
  return pid > 0 && identity(path) === identity(`/proc/${pid}/root${path}`);
}

function identity(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev} ${stat.ino}`;
}
