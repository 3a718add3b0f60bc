import { PortholeError } from "../errors.ts";

/** The error for a connection that ended before the command there. */
export function lostConnection(name: string): PortholeError {
  return new PortholeError("SESSION", `the connection to ${name} was lost`, { hint: "run the command again" });
}
