import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { namespaceOf, startTime } from "../../descriptors/process.ts";
import { peerCredentials } from "../../descriptors/sockets/fd-socket.ts";
import type { Engine } from "../../engines/api/engine.ts";
import { runtimeDirectory } from "../../engines/api/home-directory.ts";
import { connectEngine } from "../../engines/api/http.ts";
import { readOr } from "../../errors.ts";

/** How this process reaches the directories of an engine. */
export interface EnginePaths {
  /** Options of an agent that reads them. */
  options: string[];
  /** Converts a path of the engine to a path of this process. */
  path(path: string): string;
  /** False if a path has another meaning for this process than for the engine. */
  isEngines(path: string): boolean;
}

/**
 * How to reach the layers of an engine that this process may read. Root may read those of root's
 * engine. An engine in its own user or mount namespace is readable by its user and by root.
 * Undefined for any other engine.
 * @throws PortholeError with the errno of connect(2)
 */
export function enginePaths(engine: Engine): EnginePaths | undefined {
  const { pid, uid } = listener(engine);
  const isRoot = process.geteuid?.() === 0;
  const inside =
    [pid, podmanPause(uid)].find((one) => isInOther("user", one)) ??
    (isRoot && isInOther("mnt", pid) ? pid : undefined);
  if (inside !== undefined) {
    const start = startTime(inside);
    if (start === undefined) return undefined;
    return {
      options: ["--engine-pid", String(inside), "--target-start", start],
      path: (path) => `/proc/${inside}/root${path}`,
      isEngines: () => true,
    };
  }
  if (!isRoot) return undefined;
  return { options: [], path: (path) => path, isEngines: (path) => isSameFileFor(pid, path) };
}

/**
 * The process that listens on an engine's socket, according to the kernel (SO_PEERCRED); pid 0 if
 * it is not in this PID namespace.
 */
function listener({ socketPath }: Engine): { pid: number; uid: number } {
  using connection = connectEngine(socketPath);
  return peerCredentials(connection);
}

/**
 * The process that keeps a user's rootless Podman namespaces. If systemd created the socket, its
 * listener is not Podman.
 */
function podmanPause(uid: number): number {
  const runtime = runtimeDirectory(uid === process.geteuid?.() ? process.env : {}, uid);
  return readOr(0, () => Number(readFileSync(join(runtime, "libpod/tmp/pause.pid"), "latin1")));
}

/**
 * True if a process is in another namespace. False also if this user may not enter the namespace.
 */
function isInOther(namespace: "user" | "mnt", pid: number): boolean {
  const theirs = pid > 0 ? namespaceOf(pid, namespace) : undefined;
  return theirs !== undefined && theirs !== namespaceOf("self", namespace);
}

/**
 * True if a path is the same file for process `pid` as for this one, or exists for neither. An
 * engine in a container has directories of its own under the same names.
 */
function isSameFileFor(pid: number, path: string): boolean {
  return pid > 0 && identity(path) === identity(`/proc/${pid}/root${path}`);
}

function identity(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev} ${stat.ino}`;
}
