import { seekData, seekTo } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { HexDump } from "../../src/text/index.ts";

/** Options of {@link dumpOpenFile}. */
export interface DumpOptions {
  /** Replaces repeated lines by `*`; default true. */
  squeezes?: boolean | undefined;
  /** Bytes to skip at the beginning. */
  skip?: number | undefined;
  /** Maximum number of bytes. */
  length?: number | undefined;
  signal?: AbortSignal | undefined;
}

const READ = 64 * 1024;

/**
 * Shows an open file or device in hexadecimal as `hexdump -C` does. Skips holes of a sparse file
 * whose lines are squeezed. For a file that cannot seek, reads and discards the bytes before
 * `skip`.
 * @throws PortholeError FILE with the errno, EISDIR for a directory; CANCELLED
 */
export async function dumpOpenFile(file: OpenFile, options: DumpOptions, write: (text: string) => void): Promise<void> {
  if (file.kind === "directory") throw new PortholeError("FILE", `${file.path}: Is a directory`, { errno: "EISDIR" });
  if (options.length === 0) return;
  if (file.isSeekable) dumpSeekable(file, options, write);
  else await dumpStream(file, options, write);
}

function dumpSeekable(file: OpenFile, options: DumpOptions, write: (text: string) => void): void {
  const size = file.size();
  // Do not skip beyond the end; files of /proc have the size 0.
  const skip = size === 0 || file.kind !== "file" ? (options.skip ?? 0) : Math.min(options.skip ?? 0, size);
  const dump = new HexDump({ ...options, offset: skip });
  const end = skip + (options.length ?? Number.POSITIVE_INFINITY);
  const buffer = Buffer.allocUnsafe(READ);
  for (let at = skip; at < end; ) {
    if (dump.canSkipZeros) {
      const zeros = Math.min(seekData(file.descriptor, at) ?? file.size(), end) - at;
      const lines = zeros > 0 ? zeros - (zeros % 16) : 0;
      dump.skipZeros(lines);
      at += lines;
    }
    const count = file.read(buffer.subarray(0, Math.min(READ, end - at)), at);
    if (count === 0) break;
    write(dump.push(buffer.subarray(0, count)));
    at += count;
  }
  write(dump.end());
}

async function dumpStream(file: OpenFile, options: DumpOptions, write: (text: string) => void): Promise<void> {
  const { skip = 0, length = Number.POSITIVE_INFINITY, signal } = options;
  let toSkip = skip > 0 && !file.relayed && seekTo(file.descriptor, skip) ? 0 : skip;
  const dump = new HexDump({ ...options, offset: skip });
  let left = length;
  for await (const chunk of file.stream(signal && { signal })) {
    const skipped = Math.min(toSkip, chunk.length);
    toSkip -= skipped;
    const piece = chunk.subarray(skipped, skipped + left);
    left -= piece.length;
    write(dump.push(piece));
    if (left === 0) break;
  }
  write(dump.end());
}
