/** How an agent gets to a target. */

export { agentHash, agentProgram } from "./agent-program.ts";
export { PrivateDirectory } from "./private-directory.ts";
export { canEnterNamespaces } from "./process.ts";
export { ensureRunDirectory } from "./run-dir.ts";
export { watchContainers } from "./watch-containers.ts";
