import { constants } from "node:os";
import { PR_SET_DUMPABLE, SIG_DFL } from "./constants.ts";
import { releaseDescriptors } from "./discard.ts";
import { libc } from "./libc.ts";

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
