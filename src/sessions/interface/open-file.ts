import { constants, fstatSync, readSync } from "node:fs";
import { anySignal } from "../../descriptors/any-signal.ts";
import { copyToFd, type PumpOptions, pumpToFd } from "../../descriptors/bytes/transfer.ts";
import { tryRead } from "../../descriptors/bytes/try-read.ts";
import { seekData } from "../../descriptors/files/seek.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { readable } from "../../descriptors/poll.ts";
import { PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import { withFileErrors } from "./file-errors.ts";

const { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } = constants;

/** File type, from the type bits of the mode. */
export type FileKind =
  | "file"
  | "directory"
  | "link"
  | "fifo"
  | "socket"
  | "character device"
  | "block device"
  | "unknown";

/** The file type in `mode` (stat(2), `st_mode`). */
export function kindOf(mode: number): FileKind {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "link";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
      return "character device";
    case S_IFBLK:
      return "block device";
    default:
      return "unknown";
  }
}

/** Milliseconds between reads of a device that has no data yet and cannot be polled. */
const UNPOLLABLE_MS = 50;

/** Maximum off_t. */
const MAX_OFFSET = 2n ** 63n - 1n;

/** Chunk size of {@link OpenFile.stream}, in bytes: pread(2) is fastest with 64 to 128 KiB. */
const CHUNK = 128 * 1024;

/**
 * A descriptor that was opened in the target. It stays valid after the session, the agent and the
 * container end. Close it, or take its descriptor.
 */
export class OpenFile implements AsyncDisposable {
  /** The path as requested; lone surrogates stand for bytes that are not UTF-8. */
  readonly path: string;
  readonly #fd: OwnedFd;
  #stat: FileStat | (() => FileStat);
  readonly #end: (() => Promise<bigint>) | undefined;
  /** Ends waits for the descriptor when this object no longer owns it. */
  #released: AbortController | undefined;

  /**
   * Takes ownership of `fd`.
   * @param stat a function, if the stat may not be needed
   * @param end called at the end of a relayed file: resolves with the file's size in bytes, or
   * rejects with the error that ended it. The end of the pipe alone proves neither.
   */
  constructor(path: string, fd: OwnedFd, stat: FileStat | (() => FileStat), end?: () => Promise<bigint>) {
    this.path = path;
    this.#fd = fd;
    this.#stat = stat;
    this.#end = end;
  }

  /** The descriptor's number, for fs.read and similar. This object keeps ownership. */
  get fd(): number {
    return this.#fd.number;
  }

  /** The descriptor. This object keeps ownership. */
  get descriptor(): OwnedFd {
    return this.#fd;
  }

  /** statx(2) at the time of opening, as the agent reported it; checked against the descriptor. */
  get stat(): FileStat {
    if (typeof this.#stat === "function") this.#stat = this.#stat();
    return this.#stat;
  }

  /** The file type, from the mode of {@link stat}. */
  get kind(): FileKind {
    return kindOf(this.stat.mode);
  }

  /**
   * True if the agent copies the content into a pipe (docs/protocol.md, "Relayed files"). Such a
   * file has no positions.
   */
  get relayed(): boolean {
    return this.stat.relayed;
  }

  /**
   * True if {@link read} works at any position: regular files, /proc included, and block devices,
   * unless relayed.
   */
  get isSeekable(): boolean {
    return !this.relayed && (this.kind === "file" || this.kind === "block device");
  }

  /** Current size in bytes; 0 for most of /proc. A file may grow before you read it. */
  size(): number {
    return this.isSeekable ? fstatSync(this.#fd.number).size : 0;
  }

  /**
   * Reads at `position` into `buffer` (pread(2)). Neither uses nor moves the shared file offset.
   * @returns bytes read; 0 at the end
   * @throws PortholeError FILE with the errno; ESPIPE for a file without positions, EINVAL for a
   * negative position, EOVERFLOW beyond 2^53 - 1 (2^63 - 1 for a bigint)
   */
  read(buffer: Uint8Array, position: number | bigint): number {
    if (!this.isSeekable) {
      throw new PortholeError("FILE", `${this.path}: cannot read at an offset: a ${this.kind} is not seekable`, {
        errno: "ESPIPE",
      });
    }
    // Node reads at the shared offset for a negative position.
    if (typeof position === "number" ? !Number.isInteger(position) || position < 0 : position < 0n)
      throw new PortholeError("FILE", `${this.path}: cannot read at byte ${position}: not an offset`, {
        errno: "EINVAL",
      });
    // A number beyond 2^53 - 1 is not exact. A sparse file may have 2^63 - 1 bytes.
    if (typeof position === "number" ? position > Number.MAX_SAFE_INTEGER : position > MAX_OFFSET) {
      throw new PortholeError("FILE", `${this.path}: cannot read at byte ${position}: the offset is too large`, {
        errno: "EOVERFLOW",
      });
    }
    return withFileErrors(this.path, () => readSync(this.#fd.number, buffer, 0, buffer.length, position));
  }

  /**
   * Offset of the first data at or after `position` in a sparse file (lseek(2), SEEK_DATA);
   * undefined if no data follows. Seekable files only. Moves the shared file offset, which no
   * method uses.
   * @throws PortholeError FILE with the errno
   */
  nextData(position: number): number | undefined {
    return withFileErrors(this.path, () => seekData(this.#fd, position));
  }

  /**
   * The content in chunks, each in a buffer of its own, from `start` (seekable files only) to the
   * end. Waits in the reactor for a FIFO, terminal or socket, and never blocks the event loop for
   * them.
   * @throws PortholeError FILE with the errno; CANCELLED
   */
  async *stream(
    options: { start?: number | bigint | undefined; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Buffer> {
    if (this.isSeekable) yield* this.#blocks(options.start ?? 0, options.signal);
    else yield* this.#flow(options.signal);
  }

  /**
   * Copies the whole content to another descriptor as fast as the kernel can. Copies a seekable
   * file synchronously (see copyToFd: leave SIGINT at its default action), and any other file
   * without blocking the event loop. Calls `onProgress` between pieces with the bytes copied so
   * far; it may draw, but must not close the file. `isNew` is true if `out` is a new file without a
   * name: the copy may then allocate its blocks first.
   * @returns bytes copied
   * @throws PortholeError FILE with the errno: EISDIR, EPIPE (the reader of `out` is gone), ENOSPC,
   * ...; CANCELLED
   */
  async copyTo(out: number, options: PumpOptions & { isNew?: boolean } = {}): Promise<bigint> {
    if (this.kind === "directory") throw new PortholeError("FILE", `${this.path}: Is a directory`, { errno: "EISDIR" });
    if (options.signal?.aborted) throw cancelled(this.path);
    if (!this.isSeekable) {
      const copied = await this.#pump(out, options);
      await this.#checkEnd(copied);
      return copied;
    }
    try {
      return copyToFd(this.#fd, out, { onProgress: options.onProgress, isNew: options.isNew });
    } catch (error) {
      // A regular file by its mode, yet without positions: /proc/kmsg.
      if (error instanceof PortholeError && error.errno === "ESPIPE") return this.#pump(out, options);
      throw error;
    }
  }

  async #pump(out: number, options: PumpOptions): Promise<bigint> {
    const signal = this.#untilReleased(options.signal);
    try {
      return await pumpToFd(this.#fd, out, { ...options, signal });
    } catch (error) {
      this.#requireOwned();
      throw error;
    }
  }

  async *#blocks(start: number | bigint, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    for (let position = start; ; ) {
      if (signal?.aborted) throw cancelled(this.path);
      const buffer = Buffer.allocUnsafe(CHUNK);
      const length = this.#readOrFlow(buffer, position);
      if (length === undefined) return yield* this.#flow(signal);
      if (length === 0) return;
      position = BigInt(position) + BigInt(length);
      yield buffer.subarray(0, length);
    }
  }

  /** Reads, or returns undefined for a regular file without positions, such as /proc/kmsg. */
  #readOrFlow(buffer: Uint8Array, position: number | bigint): number | undefined {
    try {
      return this.read(buffer, position);
    } catch (error) {
      if (error instanceof PortholeError && error.errno === "ESPIPE" && BigInt(position) === 0n) return undefined;
      throw error;
    }
  }

  async *#flow(callers: AbortSignal | undefined): AsyncGenerator<Buffer> {
    const signal = this.#untilReleased(callers);
    let total = 0n;
    for (let polls = true; ; ) {
      if (callers?.aborted) throw cancelled(this.path);
      if (polls) {
        try {
          await readable(this.#fd, { signal });
        } catch (error) {
          this.#requireOwned();
          // /dev/zero and similar devices are always ready and cannot be polled (epoll_ctl(2),
          // EPERM).
          if (!(error instanceof PortholeError) || error.errno !== "EPERM") throw error;
          polls = false;
        }
      }
      const buffer = Buffer.allocUnsafe(CHUNK);
      const length = withFileErrors(this.path, () => tryRead(this.#fd, buffer));
      if (length === 0) return this.#checkEnd(total);
      total += BigInt(Math.max(0, length));
      if (length > 0) yield buffer.subarray(0, length);
      // The device can neither be polled nor read now: tries again later.
      else if (!polls) await delay(UNPOLLABLE_MS);
    }
  }

  /** Aborts with the caller's signal, and when the descriptor is closed or taken. */
  #untilReleased(callers: AbortSignal | undefined): AbortSignal {
    this.#released ??= new AbortController();
    const { signal } = this.#released;
    return callers === undefined ? signal : anySignal([callers, signal]);
  }

  /** Throws FILE (EBADF) once the descriptor is closed or taken. */
  #requireOwned(): void {
    withFileErrors(this.path, () => this.#fd.number);
  }

  /** Throws if a relayed file is truncated. */
  async #checkEnd(came: bigint): Promise<void> {
    if (this.#end === undefined || !this.relayed) return;
    const bytes = await this.#end();
    if (bytes === came) return;
    throw new PortholeError("FILE", `${this.path}: truncated: read ${came} of ${bytes} bytes`, { errno: "EIO" });
  }

  /**
   * Transfers ownership of the descriptor to the caller, who closes it. This object then counts as
   * closed.
   * @throws PortholeError FILE (EBADF) if it is closed
   */
  takeFd(): number {
    this.#released?.abort();
    return this.#fd.take();
  }

  /**
   * Closes the descriptor. Idempotent. A {@link stream} or {@link copyTo} that still waits for data
   * fails with EBADF.
   */
  close(): void {
    this.#released?.abort();
    this.#fd.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** Replaces node:timers/promises, because every command would pay for its import. */
function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function cancelled(path: string): PortholeError {
  return new PortholeError("CANCELLED", `reading ${path} interrupted`);
}
