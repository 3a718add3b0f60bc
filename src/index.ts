/** porthole's public API: open files inside containers and other namespaces from here. Linux only. */
export { detachAgents, detachAll, type LiveAgent, listAgents, prepareMount } from "./agents.ts";
export { dieOf } from "./descriptors/transfer.ts";
export { type ErrorCode, type ErrorDetails, PortholeError } from "./errors.ts";
export { type FollowedFile, followSource } from "./follow.ts";
export { type FileKind, kindOf, OpenFile } from "./open-file.ts";
export type { AgentFacts, AgentRoute, FileFacts } from "./protocol/facts.ts";
export { type Sandbox, startSandbox } from "./sandbox.ts";
export { type ConnectOptions, connect, type DirectoryEntry, type Session } from "./session.ts";
export {
  type FollowEvent,
  type FollowFile,
  type FollowOptions,
  type FollowSource,
  follow,
} from "./tail/follow.ts";
export type { Identity } from "./tail/machine.ts";
export { exactArguments, parseTarget, pathBytes, pathText, type Target } from "./target.ts";
export { BlockCache } from "./text/block-cache.ts";
export type { ByteSource } from "./text/byte-source.ts";
export { characterBoundary, decodeText } from "./text/decode.ts";
export { type LayoutOptions, layoutRow, type Mark, type Row } from "./text/layout.ts";
export { Lines } from "./text/lines.ts";
export { compilePattern, type Pattern } from "./text/pattern.ts";
export { regularSource } from "./text/regular-source.ts";
export { clusters, sanitiseText } from "./text/sanitise.ts";
export { Searcher, type SearchOutcome } from "./text/searcher.ts";
export { STREAM_CAPACITY, StreamSource } from "./text/stream-source.ts";
export { TerminalStream } from "./text/terminal-stream.ts";
export { Viewport } from "./text/viewport.ts";
export { clusterWidth } from "./text/width.ts";
