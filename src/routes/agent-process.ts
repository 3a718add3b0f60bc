import { SIGTERM } from "../descriptors/constants.ts";
import { openPidfd, signalPidfd } from "../descriptors/pidfd.ts";
import { startTime } from "./process.ts";
import type { AgentProcess } from "./rendezvous.ts";

/**
 * Ends an agent's process, if it still lives. Returns the errno's name, such as EPERM, when that was not to be.
 * @throws PortholeError TARGET where the kernel has no pidfds (before Linux 5.3)
 */
export function endAgentProcess({ pid, started }: AgentProcess): string | undefined {
  if (!(pid > 0) || started === "") return undefined;
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) return undefined;
  try {
    // Looked at through the number, sent through the descriptor: both mean the process that we once met, or nothing is sent.
    return startTime(pid) === started ? signalPidfd(pidfd, SIGTERM) : undefined;
  } finally {
    pidfd.close();
  }
}
