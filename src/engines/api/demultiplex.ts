/** Size of a frame header in bytes: stream, three zeroes, length (big-endian). */
const HEADER = 8;

/**
 * The payload of both streams of a process, without the engine's frame headers. Keeps a truncated
 * last frame.
 */
export function demultiplex(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const end = at + HEADER + bytes.readUInt32BE(at + 4);
    parts.push(bytes.subarray(at + HEADER, end));
    at = end;
  }
  return Buffer.concat(parts);
}
