import { writeSync } from "node:fs";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { PortholeError } from "../../errors.ts";
import { OpenFile } from "../interface/open-file.ts";
import { temporaryFile, temporaryFileError, temporaryStat } from "../interface/temporary-file.ts";
import { type Compression, decompress } from "./decompress.ts";

const PURPOSE = "the decompressed file";
/** Maximum size of the temporary file in bytes. */
const MAX_BYTES = 4 * 1024 ** 3;
/** Above BOMB_BYTES, a larger expansion counts as a decompression bomb. */
const BOMB_RATIO = 500;
const BOMB_BYTES = 64 * 1024 ** 2;
/** {@link DecompressedFile.open} waits for this many bytes: more than a screen. */
const FIRST_BYTES = 256 * 1024;

/** Minimum milliseconds between two reports of growth. */
const REPORT_MS = 100;

/** Receives the progress of a decompression. */
export interface FillingListener {
  grown(): void;
  /** Called when decompression has ended. `error` is set if it ended before the end of the data. */
  ended(error: PortholeError | undefined): void;
}

/**
 * A compressed file as a seekable file: an unnamed temporary file that grows during decompression.
 * A file that exceeds the size limits is truncated, and the listener receives the error.
 */
export class DecompressedFile {
  /** Owned by this object: close the {@link DecompressedFile} instead. */
  readonly file: OpenFile;
  readonly #fd: OwnedFd;
  readonly #abort = new AbortController();
  #listener: FillingListener | undefined;
  #written = 0;
  /** Time of the last report of growth, in milliseconds. */
  #reportedAt = 0;
  #end: { error: PortholeError | undefined } | undefined;
  #filled: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    const fd = temporaryFile(PURPOSE);
    this.#fd = fd;
    this.file = new OpenFile(path, fd, () => temporaryStat(fd));
  }

  /**
   * Resolves once the first bytes are available. Decompression continues in the background: keep
   * `from` open until {@link close} has resolved, then close it.
   * @throws PortholeError FILE if nothing could be decompressed
   */
  static async open(from: OpenFile, compression: Compression): Promise<DecompressedFile> {
    const whole = new DecompressedFile(from.path);
    await new Promise<void>((resolve) => {
      whole.#filled = whole.#fill(from, compression, resolve).finally(resolve);
    });
    if (whole.#written === 0 && whole.#end?.error) {
      whole.file.close();
      throw whole.#end.error;
    }
    return whole;
  }

  /** Sets the listener, and notifies it at once if decompression has ended. */
  watch(listener: FillingListener): void {
    this.#listener = listener;
    if (this.#end) listener.ended(this.#end.error);
  }

  /** Resolves when decompression has ended. */
  filled(): Promise<void> {
    return this.#filled;
  }

  /** Stops decompression. Resolves when the compressed file is no longer read. */
  async close(): Promise<void> {
    this.#listener = undefined;
    this.#abort.abort();
    await this.#filled;
    this.file.close();
  }

  async #fill(from: OpenFile, compression: Compression, hasFirst: () => void): Promise<void> {
    const { signal } = this.#abort;
    const maxSize = from.size() * BOMB_RATIO;
    let error: PortholeError | undefined;
    try {
      for await (const piece of decompress(from.path, from.stream({ signal }), compression)) {
        if (signal.aborted) return;
        this.#write(piece, maxSize);
        if (this.#written >= FIRST_BYTES) hasFirst();
        this.#report();
      }
    } catch (cause) {
      error = temporaryFileError(cause, PURPOSE);
    }
    this.#end = { error };
    this.#listener?.ended(error);
  }

  /** Limits the rate of reports: a frame for each piece would take longer than decompressing it. */
  #report(): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = now;
    this.#listener?.grown();
  }

  #write(piece: Buffer, maxSize: number): void {
    if (this.#written + piece.length > MAX_BYTES)
      throw new PortholeError("FILE", "decompression stopped at the limit of 4 GiB", {
        hint: "porthole cat --decompress prints the whole text",
      });
    if (this.#written > BOMB_BYTES && this.#written > maxSize)
      throw new PortholeError(
        "FILE",
        `decompression stopped after ${this.#written} bytes, ${BOMB_RATIO} times the file's size: a decompression bomb?`,
      );
    // Uses pwrite(2): a reader's SEEK_DATA moves the shared offset.
    for (let at = 0; at < piece.length; )
      at += writeSync(this.#fd.number, piece, at, piece.length - at, this.#written + at);
    this.#written += piece.length;
  }
}
