import { constants } from "node:os";
import { releaseDescriptors } from "./discard.ts";
import { libc } from "./libc.ts";

const SIG_DFL = 0;
const PR_SET_DUMPABLE = 4;

/**
 * Ends this process by the signal itself, so that the shell sees what it sees of any other program: Node ignores SIGPIPE, and an exit
 * status of 141 or 130 is not the same to a shell. Nothing runs afterwards, no exit handler either: restore the terminal first. Leaves no
 * core file, for where a signal would make one this process only passes on what killed another.
 */
export function dieOf(signal: NodeJS.Signals): never {
  const number = constants.signals[signal];
  releaseDescriptors();
  libc.prctl(PR_SET_DUMPABLE, 0);
  libc.signal(number, SIG_DFL);
  libc.raise(number);
  // Only a blocked signal gets here.
  process.exit(128 + number);
}
