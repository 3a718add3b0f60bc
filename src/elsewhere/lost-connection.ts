import { PortholeError } from "../errors.ts";

/** Returns the error for a connection that ended before the remote command. */
export function lostConnection(name: string): PortholeError {
  return new PortholeError("SESSION", `the connection to ${name} was lost`, { hint: "run the command again" });
}
