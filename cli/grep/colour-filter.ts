import type { Filter, OpenFile } from "../../src/sessions/index.ts";
import { visibleBytes } from "../../src/text/index.ts";

/** Bytes that are looked at, at each end of a file. */
const SAMPLE = 64 * 1024;
const sample = Buffer.allocUnsafeSlow(SAMPLE);

/**
 * Whether a file's text has colour codes, which would hide matches. Both ends of it are looked at: to
 * read all of a large file would take as long as the search.
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
    // ripgrep will say why it cannot be read.
    return false;
  }
}

const ESCAPE = 0x1b;
/** No sequence that is left out is longer. */
const LONGEST_SEQUENCE = 68;

/** Text without the colour codes that a screen does not show. */
export function colourFilter(): Filter {
  let held = Buffer.alloc(0);
  return (bytes) => {
    if (bytes === undefined) return visibleBytes(held);
    const all = held.length > 0 ? Buffer.concat([held, bytes]) : bytes;
    const last = all.lastIndexOf(ESCAPE);
    // A sequence may be cut here.
    const end = last !== -1 && all.length - last <= LONGEST_SEQUENCE ? last : all.length;
    held = Buffer.from(all.subarray(end));
    return visibleBytes(all.subarray(0, end));
  };
}

/** No more of a file once there is a NUL, as ripgrep leaves binary files below directories. */
export function stopAtNul(filter: Filter): Filter {
  return (bytes) => (bytes?.includes(0) ? undefined : filter(bytes));
}
