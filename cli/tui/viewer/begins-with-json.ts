import { decodeAs, readJsonLine } from "../../../src/text/index.ts";
import type { Document } from "./document.ts";

/** Lines that are looked at, and how many bytes of the beginning they may take. */
const LINES = 5;
const HEAD = 64 * 1024;

/**
 * True if the first lines are JSON objects: at least two whole ones, and no line among the first
 * five that is none. Looks at the beginning only, so that it costs the same for any size.
 */
export function beginsWithJson({ cache, encoding, mark, source }: Document): boolean {
  const start = Math.max(mark, source.start());
  const lines = decodeAs(cache.slice(start, Math.min(source.end(), start + HEAD)), encoding).split("\n");
  // What follows the last newline may be cut.
  const whole = lines.slice(0, -1).filter((line) => line.trim() !== "");
  const first = whole.slice(0, LINES);
  return first.length > 1 && first.every((line) => readJsonLine(line) !== undefined);
}
