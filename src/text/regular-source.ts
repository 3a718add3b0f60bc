import { fstatSync, readSync } from "node:fs";
import type { ByteSource } from "./byte-source.ts";

/**
 * A regular file by descriptor. pread(2) on a local file does not wait for anything but the disk, so it may run on the main thread;
 * files whose server might not answer never come here (they arrive as streams). The caller keeps owning `fd`.
 */
export function regularSource(fd: number): ByteSource {
  return {
    fd,
    start: () => 0,
    end: () => fstatSync(fd).size,
    read: (position, buffer) => readSync(fd, buffer, 0, buffer.length, position),
  };
}
