import type { LineSource, Sources } from "./sources.ts";

/**
 * Returns the source of the first of `lines` that has one. `bytesOf` returns the start of a line,
 * up to this many bytes.
 */
export function firstSource(
  lines: readonly number[],
  sources: Sources,
  bytesOf: (line: number, most: number) => Buffer,
): LineSource | undefined {
  for (const line of lines) {
    const found = sources.of(bytesOf(line, sources.longest));
    if (found) return found;
  }
  return undefined;
}
