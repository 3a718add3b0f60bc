import { constants, fstatSync, readSync } from "node:fs";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { readable } from "../descriptors/poll.ts";
import { seekData } from "../descriptors/seek.ts";
import { copyToFd, type PumpOptions, pumpToFd } from "../descriptors/transfer.ts";
import { tryRead } from "../descriptors/try-read.ts";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import { withFileErrors } from "./file-errors.ts";

/** What a file is, by the type bits of its mode. */
export type FileKind =
  | "file"
  | "directory"
  | "link"
  | "fifo"
  | "socket"
  | "character device"
  | "block device"
  | "unknown";

/** The kind that `mode` (stat(2), `st_mode`) says. */
export function kindOf(mode: number): FileKind {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return "file";
    case constants.S_IFDIR:
      return "directory";
    case constants.S_IFLNK:
      return "link";
    case constants.S_IFIFO:
      return "fifo";
    case constants.S_IFSOCK:
      return "socket";
    case constants.S_IFCHR:
      return "character device";
    case constants.S_IFBLK:
      return "block device";
    default:
      return "unknown";
  }
}

/** Milliseconds between looks at a device that has nothing yet and cannot be polled. */
const UNPOLLABLE_MS = 50;

/** The largest off_t. */
const MOST_OFFSET = 2n ** 63n - 1n;

/** Bytes of one chunk of {@link OpenFile.stream}: 64 to 128 KiB is where pread is fastest. */
const CHUNK = 128 * 1024;

/**
 * A descriptor that was opened in the target, with what is known of it. It stays valid whatever becomes of the session, the agent and
 * the container. Close it, or take its descriptor.
 */
export class OpenFile implements AsyncDisposable {
  /** The path as it was asked for; lone surrogates stand for bytes that are not UTF-8. */
  readonly path: string;
  readonly #fd: OwnedFd;
  #stat: FileStat | (() => FileStat);
  readonly #end: (() => Promise<bigint>) | undefined;

  /**
   * Takes `fd`. A stat that may not be needed can be given as a function. `end` is asked when a relayed file seems to be read: it resolves with
   * the bytes that there were, or rejects with why there are no more; the end of a pipe alone says neither.
   */
  constructor(path: string, fd: OwnedFd, stat: FileStat | (() => FileStat), end?: () => Promise<bigint>) {
    this.path = path;
    this.#fd = fd;
    this.#stat = stat;
    this.#end = end;
  }

  /** The descriptor's number, for fs.read and the like; it stays this object's. */
  get fd(): number {
    return this.#fd.number;
  }

  /** The descriptor itself, still owned by this object. */
  get descriptor(): OwnedFd {
    return this.#fd;
  }

  /** What the agent said of the file, checked against the descriptor that came. */
  get stat(): FileStat {
    if (typeof this.#stat === "function") this.#stat = this.#stat();
    return this.#stat;
  }

  get kind(): FileKind {
    return kindOf(this.stat.mode);
  }

  /** True when bytes come through a pipe from the agent's own reader (see docs/protocol.md): no positions then. */
  get relayed(): boolean {
    return this.stat.relayed;
  }

  /** True when {@link read} at any position works: regular files (those of /proc too), not relayed. Block devices as well. */
  get isSeekable(): boolean {
    return !this.relayed && (this.kind === "file" || this.kind === "block device");
  }

  /** Size in bytes now. 0 for most of /proc; what grows may have grown when you read it. */
  size(): number {
    return this.isSeekable ? fstatSync(this.#fd.number).size : 0;
  }

  /**
   * Reads at `position` into `buffer` (pread(2)); the shared file offset is neither used nor moved.
   * @returns bytes read, 0 at the end.
   * @throws PortholeError FILE with the errno; ESPIPE for what has no positions, EOVERFLOW beyond 2^53 - 1 (2^63 - 1 as a bigint).
   */
  read(buffer: Uint8Array, position: number | bigint): number {
    if (!this.isSeekable) {
      throw new PortholeError("FILE", `${this.path}: a ${this.kind} has no positions to read at`, { errno: "ESPIPE" });
    }
    // Beyond 2^53 a number is another one than was meant; a file with holes may be as large as 2^63 - 1.
    if (typeof position === "number" ? position > Number.MAX_SAFE_INTEGER : position > MOST_OFFSET) {
      throw new PortholeError("FILE", `${this.path}: there is no reading at byte ${position}`, { errno: "EOVERFLOW" });
    }
    return withFileErrors(this.path, () => readSync(this.#fd.number, buffer, 0, buffer.length, position));
  }

  /**
   * The offset of the first byte at or after `position` that is in no hole of a sparse file (lseek(2), SEEK_DATA); undefined when nothing but a hole
   * follows, or nothing. Seekable files only. Moves the shared file offset, which nothing here reads by.
   * @throws PortholeError FILE with the errno
   */
  nextData(position: number): number | undefined {
    return withFileErrors(this.path, () => seekData(this.#fd, position));
  }

  /**
   * The content in chunks, each a buffer of its own, from `start` (seekable files only) to the end. Never blocks the event loop on what may be
   * idle (FIFO, terminal, socket): it waits in the reactor.
   */
  async *stream(options: { start?: number | bigint; signal?: AbortSignal } = {}): AsyncGenerator<Buffer> {
    if (this.isSeekable) yield* this.#blocks(BigInt(options.start ?? 0), options.signal);
    else yield* this.#flow(options.signal);
  }

  /**
   * Copies the whole content to another descriptor as fast as the kernel can, byte for byte. A seekable file is copied
   * synchronously (see copyToFd: leave SIGINT at its default action), anything else without ever blocking the event loop on it.
   * `onProgress` is called between the pieces of it, with the bytes copied so far: it may draw, but not close the file.
   * @returns bytes copied
   * @throws PortholeError FILE with the errno: EISDIR, EPIPE (the reader of `out` is gone), ENOSPC, ...; CANCELLED
   */
  async copyTo(out: number, options: PumpOptions = {}): Promise<bigint> {
    if (this.kind === "directory") throw new PortholeError("FILE", `${this.path}: Is a directory`, { errno: "EISDIR" });
    if (!this.isSeekable) {
      const copied = await pumpToFd(this.#fd, out, options);
      await this.#checkEnd(copied);
      return copied;
    }
    try {
      return copyToFd(this.#fd, out, { onProgress: options.onProgress });
    } catch (error) {
      // A file such as /proc/kmsg is a regular one by its mode, yet has no positions.
      if (error instanceof PortholeError && error.errno === "ESPIPE") return pumpToFd(this.#fd, out, options);
      throw error;
    }
  }

  async *#blocks(start: bigint, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    for (let position = start; ; ) {
      if (signal?.aborted) throw cancelled(this.path);
      const buffer = Buffer.allocUnsafe(CHUNK);
      const length = this.#readOrFlow(buffer, position);
      if (length === undefined) return yield* this.#flow(signal);
      if (length === 0) return;
      position += BigInt(length);
      yield buffer.subarray(0, length);
    }
  }

  /** Undefined for what is a regular file by its mode, yet has no positions, such as /proc/kmsg. */
  #readOrFlow(buffer: Uint8Array, position: bigint): number | undefined {
    try {
      return this.read(buffer, position);
    } catch (error) {
      if (error instanceof PortholeError && error.errno === "ESPIPE" && position === 0n) return undefined;
      throw error;
    }
  }

  async *#flow(signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    let total = 0n;
    for (let polls = true; ; ) {
      if (signal?.aborted) throw cancelled(this.path);
      if (polls) {
        try {
          await readable(this.#fd, signal === undefined ? {} : { signal });
        } catch (error) {
          // /dev/zero and its like cannot be polled, for they are always ready (epoll_ctl(2), EPERM).
          if (!(error instanceof PortholeError) || error.errno !== "EPERM") throw error;
          polls = false;
        }
      }
      const buffer = Buffer.allocUnsafe(CHUNK);
      const length = withFileErrors(this.path, () => tryRead(this.#fd, buffer));
      if (length === 0) return this.#checkEnd(total);
      total += BigInt(Math.max(0, length));
      if (length > 0) yield buffer.subarray(0, length);
      // Neither pollable nor ready: a look now and then is all that is left.
      else if (!polls) await delay(UNPOLLABLE_MS);
    }
  }

  /** Throws where a relayed file is not whole. */
  async #checkEnd(came: bigint): Promise<void> {
    if (this.#end === undefined || !this.relayed) return;
    const bytes = await this.#end();
    if (bytes === came) return;
    throw new PortholeError("FILE", `${this.path}: ${came} bytes came of ${bytes}`, { errno: "EIO" });
  }

  /** Gives the descriptor away; the caller closes it. This object is closed afterwards. */
  takeFd(): number {
    return this.#fd.take();
  }

  /** Idempotent. */
  close(): void {
    this.#fd.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** Not node:timers/promises, whose import every command would pay for. */
function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function cancelled(path: string): PortholeError {
  return new PortholeError("CANCELLED", `reading ${path} was interrupted`);
}
