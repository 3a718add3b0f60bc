/**
 * Follows files through rotation, truncation and restarts; splits lines and orders them by time.
 */

export { type DirectorySubscriber, DirectoryWatch } from "./directory-watch.ts";
export { AT_END, type FollowEvent, type FollowFile, type FollowSource, follow, type Generation } from "./follow.ts";
export type { PolledFile } from "./follow-by-polling.ts";
export { followRelayed } from "./follow-relayed.ts";
export { identityOf } from "./identity.ts";
export { LineSplitter } from "./lines/line-splitter.ts";
export { LineClock, mergeLines, type TimedLine } from "./lines/merge.ts";
export { ReorderWindow } from "./lines/reorder-window.ts";
export { type Identity, isSameFile } from "./machine.ts";
export { firstLinesOffset, lastLinesOffset, readerOf, StreamEnd, StreamStart, sizeByReading } from "./offsets/ends.ts";
export { Fingerprint } from "./offsets/fingerprint.ts";
export { sinceOffset, sinceSteps } from "./offsets/since.ts";
export { FollowProgress } from "./progress.ts";
export { followSource, type SessionFile } from "./session-source.ts";
export { onTick } from "./ticker.ts";
