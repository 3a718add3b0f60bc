/** porthole's public API: open files inside containers and other namespaces from here. Linux only. */
export { detachAgents, detachAll, type LiveAgent, listAgents, prepareMount } from "./agents.ts";
export { isTerminal } from "./descriptors/file.ts";
export { type TerminalState, terminalState } from "./descriptors/terminal.ts";
export { dieOf, isWritable, type PumpOptions, WRITE_FAILED } from "./descriptors/transfer.ts";
export { type ErrorCode, type ErrorDetails, PortholeError } from "./errors.ts";
export { type FollowedFile, type FollowSourceOptions, followSource, type SessionSource } from "./follow.ts";
export { type FileKind, kindOf, OpenFile } from "./open-file.ts";
export type { AgentFacts, AgentRoute, FileFacts } from "./protocol/facts.ts";
export type { MappingRecord, ProcessesRecord, ProcessFileRecord, ProcessRecord } from "./protocol/records.ts";
export { type ConnectOptions, connect, type DirectoryEntry, type OpenOptions, type Session } from "./session.ts";
export {
  AT_END,
  type FollowEvent,
  type FollowFile,
  type FollowOptions,
  type FollowSource,
  follow,
  type Generation,
} from "./tail/follow.ts";
export type { Identity } from "./tail/machine.ts";
export { exactArguments, parseSessionTarget, parseTarget, pathBytes, pathText, type Target } from "./target.ts";
