import { fstatSync, readSync } from "node:fs";
import type { ByteSource, SourcePart } from "./byte-source.ts";

/**
 * A regular file by descriptor. pread(2) on a local file waits only for the disk, so it may run on
 * the main thread. Files with a server that may hang arrive as streams instead. The caller keeps
 * `fd`. `size` is for block devices, for which fstat(2) has no size.
 */
export function regularSource(fd: number, size?: number): ByteSource {
  const end = () => size ?? fstatSync(fd).size;
  return {
    start: () => 0,
    end,
    read: (position, buffer) => readSync(fd, buffer, 0, buffer.length, position),
    parts: () => [{ at: 0, end: end(), fd, from: 0 }],
  };
}

/** Fixed parts, for a worker. Bytes that a truncation removed are zeros. */
export function partsSource(parts: readonly SourcePart[]): ByteSource {
  return {
    start: () => parts[0]?.at ?? 0,
    end: () => parts.at(-1)?.end ?? 0,
    read: (position, buffer) => readParts(parts, position, buffer),
  };
}

/** Reads from the part that contains `position`, up to its end. */
export function readParts(parts: readonly SourcePart[], position: number, buffer: Uint8Array): number {
  const part = parts.findLast(({ at }) => at <= position);
  const count = Math.min(buffer.length, (part?.end ?? 0) - position);
  if (!part || count <= 0) return 0;
  if ("bytes" in part) {
    buffer.set(part.bytes.subarray(position - part.at, position - part.at + count));
    return count;
  }
  const read = readSync(part.fd, buffer, 0, count, part.from + position - part.at);
  if (read > 0 || part === parts.at(-1)) return read;
  buffer.fill(0, 0, count);
  return count;
}
