/** Descriptors as objects that own them: opening, reading, copying, asking what they are. The one room that loads koffi. */

export { errnoText } from "./errno.ts";
export { kernelFeatures } from "./features.ts";
export { isTerminal, openDirectory, setNonBlocking } from "./file.ts";
export { IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO } from "./inotify-events.ts";
export { limitMemory } from "./limits.ts";
export { Output } from "./output.ts";
export { writable } from "./poll.ts";
export { seekData, seekTo } from "./seek.ts";
export { statx } from "./statx.ts";
export { terminalState } from "./terminal.ts";
export { dieOf, isWritable, WRITE_FAILED } from "./transfer.ts";
