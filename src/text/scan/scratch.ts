import { MAX_LINE } from "../rows/lines.ts";

let scratch = Buffer.alloc(0);

/**
 * Returns a shared buffer for one long line, valid until the next call on this thread. V8 collects
 * such buffers late. The caller must not keep the buffer.
 */
export function scratchFor(length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(Math.max(length, 2 * MAX_LINE));
  return scratch.subarray(0, length);
}
