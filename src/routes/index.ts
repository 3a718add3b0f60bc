/** Starts agents and connects to them. */

export { canEnterNamespaces } from "../descriptors/process.ts";
export { agentHash, agentProgram } from "./agents/agent-program.ts";
export { hasAgentsOf } from "./agents/agents-of-engine.ts";
export { NotPreparedError } from "./agents/route-error.ts";
export { joinableProcess } from "./joinable.ts";
export { measureLogs } from "./offline/engine-files.ts";
export {
  isMountPoint,
  mountedTrees,
  mountOfNumber,
  recordMount,
  unmountTree,
} from "./run-directory/mounted-trees.ts";
export { PrivateDirectory } from "./run-directory/private-directory.ts";
export { ensureRunDirectory, ensureTreeDirectory } from "./run-directory/run-dir.ts";
export { type Tree, type TreeOptions, type TreeTarget, takeDirectTree, takeTree } from "./tree.ts";
export { watchContainers } from "./watch-containers.ts";
