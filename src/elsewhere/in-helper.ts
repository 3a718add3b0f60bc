import { agentProgram } from "../routes/agents/agent-program.ts";
import { AGENT_IN_IMAGE } from "./installation.ts";

/** Path of the link to the engine's socket in the helper. */
export const ENGINE_SOCKET = "/run/porthole-engine.sock";
/** Environment of commands in the helper. */
export const ENGINE_VARIABLES = { DOCKER_HOST: `unix://${ENGINE_SOCKET}` };

/** True if this process is a command in the helper, for a user of another machine. */
export function isInHelper(): boolean {
  return process.env.DOCKER_HOST === ENGINE_VARIABLES.DOCKER_HOST;
}

/** True if this process runs in a container of porthole's image, such as a helper pod. */
export function isInImage(): boolean {
  return agentProgram() === AGENT_IN_IMAGE;
}
