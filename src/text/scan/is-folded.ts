/** Lines of JSON that are shown by their summary: all, or those with one of these prefixes. */
export type FoldedLines = "all" | readonly Uint8Array[];

/** True if a line, which may be JSON, is one of these. */
export function isFolded(line: Buffer, folded: FoldedLines): boolean {
  return folded === "all" || folded.some((beginning) => line.subarray(0, beginning.length).equals(beginning));
}
