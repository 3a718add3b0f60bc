/**
 * porthole's library: opens files inside containers and other namespaces, and reads them in this
 * process. Linux only.
 */
export { type Container, listContainers as list } from "./engines/lookup/list-containers.ts";
export { type ErrorCode, PortholeError } from "./errors.ts";
export { type FindOptions, find } from "./files/find-files.ts";
export { listProcesses, type ProcessFile, type TargetProcess } from "./files/processes.ts";
export type { WalkedFile } from "./files/walk.ts";
export {
  type FollowPathEvent as FollowEvent,
  type FollowPathOptions as FollowOptions,
  followPath as follow,
} from "./follow/follow-path.ts";
export { LineSplitter } from "./follow/lines/line-splitter.ts";
export type { AgentRoute } from "./protocol/agent-info.ts";
export type { FileStat } from "./protocol/file-stat.ts";
export { type ConnectOptions, connect } from "./sessions/connect.ts";
export { type FileKind, OpenFile } from "./sessions/interface/open-file.ts";
export type { DirectoryEntry, OpenOptions, Session } from "./sessions/interface/session.ts";
export { parseTarget, type Target } from "./target.ts";
