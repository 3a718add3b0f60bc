import { errnoName, errnoText } from "../../descriptors/errno.ts";
import { PortholeError } from "../../errors.ts";
import { decodeAgentInfo, FullAgentError, OtherVersionError } from "../../protocol/agent-info.ts";

/** Returns the error for a refused session: a version mismatch, no room, else the agent's errno. */
export function refusal(errno: number, body: Uint8Array): PortholeError {
  try {
    const info = decodeAgentInfo(body);
    if (errnoName(errno) === "EUSERS") return new FullAgentError(info);
  } catch (error) {
    if (error instanceof OtherVersionError) return error;
  }
  return new PortholeError("SESSION", `the agent refused the session: ${errnoText(errno)}`, {
    errno: errnoName(errno),
  });
}

export function fileError(what: string, errno: number): PortholeError {
  return new PortholeError("FILE", `${what}: ${errnoText(errno)}`, { errno: errnoName(errno) });
}

export function silence(what: string, timeoutMs: number): string {
  return `${what}: the agent sent nothing for ${timeoutMs / 1000} s`;
}

export function trickle(what: string, count: number, waitedMs: number): string {
  return `${what}: the agent sent only ${count} entries in ${Math.round(waitedMs) / 1000} s`;
}

export function tooMuch(what: string, limit: string): PortholeError {
  return new PortholeError("FILE", `${what}: more than ${limit}, porthole's limit`, { errno: "E2BIG" });
}
