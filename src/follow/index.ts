/**
 * Follows files through rotation, truncation and restarts; splits lines and orders them by time.
 */

export { type DirectorySubscriber, DirectoryWatch } from "./directory-watch.ts";
export { firstLinesOffset, lastLinesOffset, readerOf, StreamEnd, StreamStart, sizeByReading } from "./ends.ts";
export { Fingerprint } from "./fingerprint.ts";
export { AT_END, type FollowEvent, type FollowFile, type FollowSource, follow, type Generation } from "./follow.ts";
export type { PolledFile } from "./follow-by-polling.ts";
export { followRelayed } from "./follow-relayed.ts";
export { identityOf } from "./identity.ts";
export { LineSplitter } from "./line-splitter.ts";
export { type Identity, isSameFile } from "./machine.ts";
export { LineClock, mergeLines, type TimedLine } from "./merge.ts";
export { FollowProgress } from "./progress.ts";
export { ReorderWindow } from "./reorder-window.ts";
export { followSource, type SessionFile } from "./session-source.ts";
export { sinceOffset, sinceSteps } from "./since.ts";
export { onTick } from "./ticker.ts";
