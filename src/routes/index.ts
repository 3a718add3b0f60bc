/** Starts agents and connects to them. */

export { canEnterNamespaces } from "../descriptors/process.ts";
export { agentHash, agentProgram } from "./agent-program.ts";
export { hasAgentsOf } from "./agents-of-engine.ts";
export { measureLogs } from "./engine-files.ts";
export { joinableProcess } from "./joinable.ts";
export {
  isMountPoint,
  mountedTrees,
  mountOfNumber,
  recordMount,
  unmountTree,
} from "./mounted-trees.ts";
export { PrivateDirectory } from "./private-directory.ts";
export { NotPreparedError } from "./route-error.ts";
export { ensureRunDirectory, ensureTreeDirectory } from "./run-dir.ts";
export { type Tree, type TreeOptions, type TreeTarget, takeDirectTree, takeTree } from "./tree.ts";
export { watchContainers } from "./watch-containers.ts";
