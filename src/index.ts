/** porthole's public API: open files inside containers and other namespaces from here. Linux only. */

export { isTerminal } from "./descriptors/file.ts";
export { type TerminalState, terminalState } from "./descriptors/terminal.ts";
export { dieOf, isWritable, type PumpOptions, WRITE_FAILED } from "./descriptors/transfer.ts";
export { type ErrorCode, type ErrorDetails, PortholeError } from "./errors.ts";
export { listProcesses, type ProcessFile, type TargetProcess } from "./files/processes.ts";
export {
  AT_END,
  type FollowEvent,
  type FollowFile,
  type FollowOptions,
  type FollowSource,
  follow,
  type Generation,
} from "./follow/follow.ts";
export { LineSplitter } from "./follow/line-splitter.ts";
export type { Identity } from "./follow/machine.ts";
export {
  type FollowedFile,
  type FollowSourceOptions,
  followSource,
  type SessionSource,
} from "./follow/session-source.ts";
export type { AgentFacts, AgentRoute, FileFacts } from "./protocol/facts.ts";
export type { MappingRecord, ProcessesRecord, ProcessFileRecord, ProcessRecord } from "./protocol/records.ts";
export { detachAgents, detachAll, type LiveAgent, listAgents, prepareMount } from "./sessions/agents.ts";
export { type ConnectOptions, connect } from "./sessions/connect.ts";
export { type FileKind, kindOf, OpenFile } from "./sessions/open-file.ts";
export type { DirectoryEntry, OpenOptions, Session } from "./sessions/session.ts";
export { exactArguments, parseSessionTarget, parseTarget, pathBytes, pathText, type Target } from "./target.ts";
