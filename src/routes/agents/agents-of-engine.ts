import { runDirectoryPaths } from "../run-directory/run-dir.ts";
import { agentFiles, readRecord } from "./registry.ts";

/**
 * True if an agent of this user was started through the engine at `socketPath`, so that its
 * containers are on this kernel. False if the run directory cannot be read.
 */
export function hasAgentsOf(socketPath: string): boolean {
  try {
    const run = runDirectoryPaths();
    return agentFiles(run).some((file) => readRecord(run, file)?.engine === socketPath);
  } catch {
    return false;
  }
}
