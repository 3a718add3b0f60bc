import { constants } from "node:os";
import { PR_SET_DUMPABLE, PR_SET_PDEATHSIG, SIG_DFL } from "../constants.ts";
import { releaseDescriptors } from "../files/discard.ts";
import { libc } from "../libc.ts";

/**
 * Ends this process by the signal itself, so that a shell sees the same as from other programs.
 * Node ignores SIGPIPE, and a shell distinguishes exit status 141 or 130 from a signal. No code
 * runs afterwards, not even exit handlers, so restore the terminal first. Leaves no core file,
 * because the signal was not raised by a fault of this process.
 */
export function dieBySignal(signal: NodeJS.Signals): never {
  const number = constants.signals[signal];
  releaseDescriptors();
  libc.prctl(PR_SET_DUMPABLE, 0);
  libc.signal(number, SIG_DFL);
  libc.raise(number);
  // Reached only if the signal is blocked.
  process.exit(128 + number);
}

/**
 * Ends this process by SIGHUP when its parent ends, also by SIGKILL (prctl(2), PR_SET_PDEATHSIG).
 * @param parent the process that started this one
 */
export function endWithParent(parent: number): void {
  libc.prctl(PR_SET_PDEATHSIG, constants.signals.SIGHUP);
  // The parent has ended before the call.
  if (process.ppid !== parent) dieBySignal("SIGHUP");
}
