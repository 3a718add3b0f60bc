/** Owned descriptors: open, read, copy, classify. The one room that loads koffi. */

export { spawnChild } from "./child-process.ts";
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
export { prepareExit } from "./exit.ts";
export { kernelFeatures } from "./features.ts";
export { openDirectory, pipe, setInheritable, setNonBlocking } from "./file.ts";
export { localTypes, trustMountTable } from "./file-system.ts";
export type { FileTimes } from "./file-times.ts";
export { Lifeline } from "./lifeline.ts";
export { limitMemory } from "./limits.ts";
export { createError, LocalDirectory } from "./local-directory.ts";
export { NewFile } from "./new-file.ts";
export { Output } from "./output.ts";
export type { OwnedFd } from "./owned-fd.ts";
export { writable } from "./poll.ts";
export { groupOf, startTime, stateOf, statusField } from "./process.ts";
export { RawMode } from "./raw-mode.ts";
export { readStream } from "./read-stream.ts";
export { isBroken, isWritable } from "./ready.ts";
export { seekData, seekTo } from "./seek.ts";
export { endWithParent } from "./signals.ts";
export { endStream, streamPair } from "./socket.ts";
export { type ProcessEnd, type SpawnedProcess, spawnProgram } from "./spawn.ts";
export { statx } from "./statx.ts";
export { storesFiles } from "./stores-files.ts";
export { isTerminal, terminalSize, terminalState } from "./terminal.ts";
export { dieBySignal, WRITE_FAILED } from "./transfer.ts";
export { unmount } from "./unmount.ts";
export { writeAll } from "./write-all.ts";
