import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { spawnChild } from "../../descriptors/processes/child-process.ts";

/**
 * Starts a process that cleans up if this one is killed. It runs in its own process group and
 * session. It waits for the end of its standard input, a pipe whose other end only this process
 * has. It does not keep this process running. Emits `error` if it cannot be started; the caller
 * kills it when no clean-up is needed any longer.
 */
export function startGuard(command: string, args: readonly string[], env: Record<string, string>): ChildProcess {
  const child = spawnChild(command, args, { cwd: "/", env, detached: true, stdio: ["pipe", "ignore", "ignore"] });
  child.on("error", () => undefined).unref();
  // Node creates a socket for each pipe.
  const stdin = child.stdin as Socket | null;
  // A guard that ended closes the pipe.
  stdin?.on("error", () => undefined).unref();
  return child;
}
