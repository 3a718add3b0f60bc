export { anySignal } from "./any-signal.ts";
/** Owned descriptors: open, read, copy, classify. The one room that loads koffi. */

export { Output } from "./bytes/output.ts";
export { readStream } from "./bytes/read-stream.ts";
export { dieBySignal, WRITE_FAILED } from "./bytes/transfer.ts";
export { writeAll } from "./bytes/write-all.ts";
export {
  DT_DIR,
  DT_LNK,
  DT_REG,
  IN_ATTRIB,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_MODIFY,
  IN_MOVE_SELF,
  IN_MOVED_FROM,
  IN_MOVED_TO,
} from "./constants.ts";
export { errnoText } from "./errno.ts";
export { openDirectory, pipe, setInheritable, setNonBlocking } from "./files/file.ts";
export { localTypes, trustMountTable } from "./files/file-system.ts";
export type { FileTimes } from "./files/file-times.ts";
export { createError, LocalDirectory } from "./files/local-directory.ts";
export { NewFile } from "./files/new-file.ts";
export { seekData, seekTo } from "./files/seek.ts";
export { statx } from "./files/statx.ts";
export { storesFiles } from "./files/stores-files.ts";
export { unmount } from "./files/unmount.ts";
export type { OwnedFd } from "./owned-fd.ts";
export { writable } from "./poll.ts";
export { groupOf, startTime, stateOf, statusField } from "./process.ts";
export { spawnChild } from "./processes/child-process.ts";
export { prepareExit } from "./processes/exit.ts";
export { Lifeline } from "./processes/lifeline.ts";
export { limitMemory } from "./processes/limits.ts";
export { endWithParent } from "./processes/signals.ts";
export { type ProcessEnd, type SpawnedProcess, spawnProgram } from "./processes/spawn.ts";
export { isBroken, isWritable } from "./ready.ts";
export { kernelFeatures } from "./sockets/features.ts";
export { endStream, streamPair } from "./sockets/socket.ts";
export { RawMode } from "./terminal/raw-mode.ts";
export { isTerminal, terminalSize, terminalState } from "./terminal/terminal.ts";
