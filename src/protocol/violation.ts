import { PortholeError } from "../errors.ts";

/**
 * The error for an agent that violates the protocol, which ends the session.
 * @param what the invalid reply
 * @param where the object of the request: "for /x "
 */
export function violation(what: string, where = ""): PortholeError {
  return new PortholeError("SESSION", `protocol violation: ${where}the agent sent ${what}`, { errno: "EPROTO" });
}
