import { PortholeError } from "../errors.ts";

/**
 * The error of an agent that breaks the protocol, which ends the session.
 * @param what the agent sent
 * @param where what it was sent for: "for /x "
 */
export function violation(what: string, where = ""): PortholeError {
  return new PortholeError("SESSION", `protocol violation: ${where}the agent sent ${what}`, { errno: "EPROTO" });
}
