import { LONGEST_LINE } from "../rows/lines.ts";

let scratch = Buffer.alloc(0);

/**
 * Room for the bytes of one long line, until this thread asks for another: a buffer for each would be garbage that V8 collects late. `length` bytes of it
 * are the caller's, who keeps none.
 */
export function scratchFor(length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(Math.max(length, 2 * LONGEST_LINE));
  return scratch.subarray(0, length);
}
