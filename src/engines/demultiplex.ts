/** Bytes of a frame's header: which stream, three zeroes, the length (big-endian). */
const HEADER = 8;

/** What a process wrote on both its streams, out of the frames in which an engine hands it on; a frame that is cut off as far as it came. */
export function demultiplex(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const end = at + HEADER + bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + HEADER, end));
    at = end;
  }
  return Buffer.concat(parts);
}
