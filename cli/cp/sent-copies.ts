import { type FileTimes, storesFiles } from "../../src/descriptors/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { write } from "../io/output.ts";
import type { CopyDirectory, ReceiveOptions } from "./copy-directory.ts";
import { attributes, frame, number } from "./copy-frames.ts";

/**
 * A directory of the machine where the command was started. Writes frames (copy-frames.ts). That
 * machine reports what it cannot create.
 */
export class SentCopies implements CopyDirectory {
  readonly isNew = true;
  readonly identity = undefined;
  readonly #isTop: boolean;

  private constructor(isTop: boolean) {
    this.#isTop = isTop;
  }

  /** Begins the destination. @param sources the number of sources */
  static begin(sources: number): SentCopies {
    write(frame("c", number(sources, 4)));
    return new SentCopies(true);
  }

  subdirectory(name: Buffer): SentCopies {
    write(frame("d", name));
    return new SentCopies(false);
  }

  link(name: Buffer, text: Buffer, times: FileTimes): void {
    write(frame("l", number(name.length, 2), name, text, attributes({ mode: 0o777, times })));
  }

  async receive(file: OpenFile, name: Buffer, { onProgress }: ReceiveOptions): Promise<void> {
    write(frame("f", name));
    let size = 0n;
    // A file that grows meanwhile must not fill the other machine's disk. Files that the kernel
    // generates, and relayed files, have the size 0.
    const isEmpty = file.kind === "file" && !file.relayed && storesFiles(file.fd);
    const limit = file.size() || (isEmpty ? 0 : Number.MAX_SAFE_INTEGER);
    try {
      for await (const { bytes, at } of parts(file, limit)) {
        write(frame("b", number(at, 8), bytes));
        size = at + BigInt(bytes.length);
        onProgress(size);
      }
    } catch (error) {
      write(frame("x"));
      throw error;
    }
    const { mode, atime, mtime } = file.stat;
    // No part contains a hole at the end: the file's size gives the end.
    const now = BigInt(Math.min(limit, file.size()));
    const end = size < now ? now : size;
    onProgress(end);
    write(frame("e", number(end, 8), attributes({ mode, times: { atime, mtime } })));
  }

  finish(mode: number, times: FileTimes): void {
    write(frame("m", attributes({ mode, times })));
  }

  [Symbol.dispose](): void {
    if (!this.#isTop) write(frame("u"));
  }
}

/** The content of a file without its holes, up to `limit`. */
async function* parts(file: OpenFile, limit: number): AsyncGenerator<{ bytes: Buffer; at: bigint }> {
  if (!file.isSeekable || !isSparse(file)) {
    let at = 0;
    for await (const bytes of file.stream()) {
      yield { bytes: bytes.subarray(0, limit - at), at: BigInt(at) };
      at += bytes.length;
      if (at >= limit) return;
    }
    return;
  }
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = file.nextData(0); at !== undefined && at < limit; at = file.nextData(at)) {
    // A part ends at a block boundary, because a hole begins at one.
    const length = file.read(buffer.subarray(0, Math.min(CHUNK - (at % CHUNK), limit - at)), at);
    if (length === 0) return;
    yield { bytes: buffer.subarray(0, length), at: BigInt(at) };
    at += length;
  }
}

/** Maximum bytes of a part of a sparse file. */
const CHUNK = 64 * 1024;

function isSparse({ stat }: OpenFile): boolean {
  return stat.blocks * 512n < stat.size;
}
