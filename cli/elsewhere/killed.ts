import { constants } from "node:os";
import type { PlaceEnd } from "../../src/elsewhere/index.ts";
import { PortholeError } from "../../src/errors.ts";

const KILLED: ReadonlySet<NodeJS.Signals> = new Set(["SIGKILL", "SIGTERM", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL"]);

/**
 * Returns the error for a command that was killed in its place, such as for its memory use;
 * undefined if it ended otherwise.
 * @param place the name of the place
 * @param sent signals that this process has sent to the command
 */
export function killedThere(
  place: string,
  end: PlaceEnd,
  sent: ReadonlySet<NodeJS.Signals> = new Set(),
): PortholeError | undefined {
  const signal = [...KILLED].find((one) => "signal" in end && constants.signals[one] === end.signal);
  // A command that does not end by a signal in time gets SIGKILL.
  if (signal === undefined || sent.has(signal) || (signal === "SIGKILL" && sent.size > 0)) return undefined;
  return new PortholeError("SESSION", `lost ${place}: porthole there was ended by ${signal}`, {
    hint:
      signal === "SIGKILL" ? "run the command again; it may have exceeded its memory limit" : "run the command again",
  });
}
