/**
 * Random access to bytes, as everything in this folder sees a file: a regular file by pread, several in a chain, or the kept tail of a stream.
 * Offsets are bytes from the beginning of the file or stream and stay valid while bytes are appended.
 */
export interface ByteSource {
  /** Lowest offset that can still be read; above 0 only when the beginning was dropped. */
  start(): number;
  /** One past the last byte there is now. A regular file asks fstat(2), 1.5 µs, so appended bytes are seen at once. */
  end(): number;
  /**
   * Reads up to `buffer.length` bytes at `position` and returns how many were there; 0 at or past the end.
   * Never waits. Throws what the system call throws.
   */
  read(position: number, buffer: Uint8Array): number;
  /**
   * The offset of the first byte at or after `position` that is in no hole of the file, {@link end} when there is none: what is between reads as
   * zeros, and need not be read. Undefined where nothing is known of holes.
   */
  nextData?(position: number): number;
  /** What a worker may read by itself; undefined when the bytes are only in this process's memory. */
  parts?(): SourcePart[];
}

/** A stretch of a source, from offset `at` to `end`: of an open file, from its offset `from` on, or bytes. */
export type SourcePart =
  | { at: number; end: number; fd: number; from: number }
  | { at: number; end: number; bytes: Uint8Array };

/** Of an open file: the offset in it of the first byte at or after `position` that is in no hole; undefined when there is none. */
export type NextData = (position: number) => number | undefined;
