/**
 * Random access to bytes: a regular file by pread, a chain of several, or the tail of a stream.
 * Offsets count from the beginning of the file or stream and stay valid while bytes are appended.
 */
export interface ByteSource {
  /** Lowest readable offset; above 0 only if the beginning was dropped. */
  start(): number;
  /** Current end. A regular file calls fstat(2), 1.5 µs, so appended bytes are visible at once. */
  end(): number;
  /**
   * Reads up to `buffer.length` bytes at `position` and returns their number; 0 at or after the
   * end. Never waits. Throws the system call's error.
   */
  read(position: number, buffer: Uint8Array): number;
  /**
   * The offset of the first data at or after `position`, {@link end} if only a hole follows: bytes
   * in between are zero and need no read. Undefined if holes are unknown.
   */
  nextData?(position: number): number;
  /**
   * The parts that a worker can read itself; undefined if the bytes are only in this process's
   * memory.
   */
  parts?(): SourcePart[];
}

/** A range of a source from `at` to `end`: of an open file from its offset `from`, or bytes. */
export type SourcePart =
  | { at: number; end: number; fd: number; from: number }
  | { at: number; end: number; bytes: Uint8Array };

/**
 * The offset in an open file of the first data at or after `position`; undefined if there is none.
 */
export type NextData = (position: number) => number | undefined;
