import type { ViewerViewOptions } from "../../viewer/viewer-view-options.ts";
import { type FollowEntry, isOutput, type LaterEntries, MergedFollow } from "./merged-follow.ts";

/**
 * Returns the options of a viewer that follows files and outputs of containers, merged by time.
 * `later`: patterns whose later matches join.
 */
export function mergedView(chosen: readonly FollowEntry[], later?: LaterEntries): ViewerViewOptions {
  const file = new MergedFollow(chosen, later);
  const hasOutput = chosen.some(({ path }) => isOutput(path));
  // Takes the zone from a file's connection: an agent reads the zone, and only files need an agent.
  const zoned = chosen.find(({ path }) => !isOutput(path));
  return {
    file,
    title: chosen.map(({ connection, path }) => connection.text(path)).join("  "),
    subtitle: () => `${file.sources.length} ${hasOutput || later ? "sources" : "files"} merged by time`,
    zone: zoned && (() => zoned.connection.zone()),
    sources: file.sources,
    newFrom: () => file.newFrom,
    startAtEnd: true,
    follow: true,
  };
}
