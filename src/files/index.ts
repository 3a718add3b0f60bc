/**
 * For tools on directories: walks, globs, find expressions, disk usage, mounts, processes, user
 * names.
 */

export { deletedFiles } from "./deleted-files.ts";
export { expandGlob } from "./expand-glob.ts";
export { type FindExpression, parseFind } from "./find.ts";
export { eachSelected, selectFiles } from "./find-files.ts";
export { compareNames, compileGlob, escapeGlob, hasGlob, isQuoted } from "./glob.ts";
export { Lookahead } from "./lookahead.ts";
export type { MappedFile } from "./mapped-files.ts";
export { type Backing, backingOf, type Mount, mountOf, parseMounts } from "./mounts.ts";
export { PendingDirectories } from "./pending-directories.ts";
export { listProcesses, type ProcessFile, type TargetProcess } from "./processes.ts";
export { deviceOf, inodeKey, mountsOf, pseudoDevices, UsageCounter } from "./usage.ts";
export { readNames } from "./users.ts";
export {
  isDevice,
  isGoneProcess,
  isStatFailed,
  joinPath,
  nameOf,
  type TakenFile,
  type TakeOver,
  typeOf,
  type WalkedDirectory,
  type WalkedFile,
  walk,
} from "./walk.ts";
