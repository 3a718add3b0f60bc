import { SIGTERM } from "../../descriptors/constants.ts";
import { startTime } from "../../descriptors/process.ts";
import { openPidfd, signalPidfd } from "../../descriptors/processes/pidfd.ts";
import type { AgentProcess } from "../rendezvous/rendezvous.ts";

/**
 * Ends an agent's process if it still lives.
 * @returns the errno's name if the signal was refused, such as EPERM
 * @throws PortholeError TARGET if the kernel has no pidfds (before Linux 5.3)
 */
export function endAgentProcess({ pid, started }: AgentProcess): string | undefined {
  if (!(pid > 0) || started === "") return undefined;
  using pidfd = openPidfd(pid);
  if (pidfd === undefined) return undefined;
  // Checks the start time after the pidfd is open. If it matches, the pidfd refers to the
  // recorded process. Otherwise sends no signal.
  return startTime(pid) === started ? signalPidfd(pidfd, SIGTERM) : undefined;
}
