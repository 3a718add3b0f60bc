/** porthole's public tools for directories: globs, walks, searches and what is known of files. Apart from src/index.ts, for what only opens files need not load them. */
export { expandGlob } from "./expand-glob.ts";
export { type FindExpression, parseFind } from "./find.ts";
export { compareNames, compileGlob, escapeGlob, type GlobOptions, hasGlob } from "./glob.ts";
export { Lookahead } from "./lookahead.ts";
export { type Backing, type BackingKind, backingOf, isPseudo, type Mount, mountOf, parseMounts } from "./mounts.ts";
export { PendingDirectories, type PendingDirectory } from "./pending-directories.ts";
export { parseTime } from "./time.ts";
export { mountsOf, type Usage, UsageCounter } from "./usage.ts";
export { readNames } from "./users.ts";
export { isUnseen, joinPath, nameOf, typeOf, type WalkedFile, type WalkOptions, walk } from "./walk.ts";
