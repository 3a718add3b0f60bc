import { decodeAs, readJsonLine } from "../../../src/text/index.ts";
import type { Document } from "./document.ts";

/** Limits of the check: number of lines, and number of bytes at the beginning. */
const LINES = 5;
const HEAD = 64 * 1024;

/**
 * True if the first complete lines, up to five and at least two, are all JSON objects. Reads only
 * the beginning, so that the cost does not depend on the size.
 */
export function beginsWithJson({ cache, encoding, mark, source }: Document): boolean {
  const start = Math.max(mark, source.start());
  const lines = decodeAs(cache.slice(start, Math.min(source.end(), start + HEAD)), encoding).split("\n");
  // The text after the last newline may be incomplete.
  const whole = lines.slice(0, -1).filter((line) => line.trim() !== "");
  const first = whole.slice(0, LINES);
  return first.length > 1 && first.every((line) => readJsonLine(line) !== undefined);
}
