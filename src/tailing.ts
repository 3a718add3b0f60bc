/** What head and tail need beside the rest of the library: apart from src/index.ts, for other commands need not load it. */

export { Output } from "./descriptors/output.ts";
export { seekTo } from "./descriptors/seek.ts";
export { followRelayed } from "./follow-relayed.ts";
export { hasGlob } from "./glob.ts";
export { firstLinesOffset, lastLinesOffset, readerOf, StreamEnd, StreamStart, sizeByReading } from "./tail/ends.ts";
export { Fingerprint } from "./tail/fingerprint.ts";
export { LineSplitter } from "./tail/lines.ts";
export { LineClock, mergeLines, ReorderWindow, type TimedLine } from "./tail/merge.ts";
export type { PolledFile, PollOptions } from "./tail/poll.ts";
export { sinceOffset, sinceSteps } from "./tail/since.ts";
export { everyTick } from "./tail/ticker.ts";
export { parseTimestamp, type TimestampOptions, TimestampReader } from "./tail/timestamp.ts";
export { parseTime } from "./time.ts";
export { DIRECTORY_CHANGES, DIRECTORY_GONE } from "./watched-path.ts";
