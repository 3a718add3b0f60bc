import type { Filter, OpenFile } from "../../src/sessions/index.ts";
import { visibleBytes } from "../../src/text/index.ts";

/** Number of bytes that are checked at each end of a file. */
const SAMPLE = 64 * 1024;
const sample = Buffer.allocUnsafeSlow(SAMPLE);

/**
 * True if a file contains colour codes, which would hide matches. Checks both ends only: reading a
 * large file completely would take as long as the search.
 */
export function hasColours(file: OpenFile): boolean {
  const size = Number(file.stat.size);
  const ends = size > SAMPLE ? [0, Math.max(SAMPLE, size - SAMPLE)] : [0];
  try {
    return ends.some((position) => {
      const bytes = sample.subarray(0, file.read(sample, position));
      return bytes.includes(ESCAPE) && !bytes.includes(0) && visibleBytes(bytes).length < bytes.length;
    });
  } catch {
    // Ignores the read error: ripgrep reports it.
    return false;
  }
}

const ESCAPE = 0x1b;
/** Maximum bytes of a colour code that is stripped. */
const MAX_SEQUENCE = 68;

/** Strips colour codes. */
export function colourFilter(): Filter {
  let held = Buffer.alloc(0);
  return (bytes) => {
    if (bytes === undefined) return visibleBytes(held);
    const all = held.length > 0 ? Buffer.concat([held, bytes]) : bytes;
    const last = all.lastIndexOf(ESCAPE);
    // The chunk may end inside a sequence.
    const end = last !== -1 && all.length - last <= MAX_SEQUENCE ? last : all.length;
    held = Buffer.from(all.subarray(end));
    return visibleBytes(all.subarray(0, end));
  };
}

/** Ends a file at the first NUL byte, as ripgrep does with binary files below directories. */
export function stopAtNul(filter: Filter): Filter {
  return (bytes) => (bytes?.includes(0) ? undefined : filter(bytes));
}
