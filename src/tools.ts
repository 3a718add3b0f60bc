/**
 * porthole's public tools around a target: its processes, programs of this machine on its files, what can be completed, what works here. Apart from
 * src/index.ts, for what only opens files need not load them.
 */
export { connectInPassing, enterableProcesses, runningContainers } from "./completion.ts";
export { copyOpenFile } from "./copy-open-file.ts";
export { type DiagnoseOptions, diagnose, type Finding } from "./doctor.ts";
export type { MappedFile } from "./mapped-files.ts";
export { listProcesses, type ProcessFile, type TargetProcess } from "./processes.ts";
export { reopenError, runTool, type ToolEnd, type ToolFiles, toolPath } from "./tool.ts";
export { readNames } from "./users.ts";
