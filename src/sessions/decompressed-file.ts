import { writeSync } from "node:fs";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { PortholeError } from "../errors.ts";
import { type Compression, decompress } from "./decompress.ts";
import { OpenFile } from "./open-file.ts";
import { temporaryFile, temporaryFileError, temporaryStat } from "./temporary-file.ts";

const PURPOSE = "the decompressed file";
/** Maximum bytes that are kept on disk. */
const MAX_BYTES = 4 * 1024 ** 3;
/** A file that becomes this many times as large is a decompression bomb, once it has BOMB_BYTES. */
const BOMB_RATIO = 500;
const BOMB_BYTES = 64 * 1024 ** 2;
/** {@link DecompressedFile.open} waits for so many bytes: more than a screen. */
const FIRST_BYTES = 256 * 1024;

/** Milliseconds between two reports of growth. */
const TOLD_MS = 100;

/** Hears of a file that is being filled. */
export interface FillingListener {
  grown(): void;
  /** Nothing comes any more; the error if that is not the end of the data. */
  ended(error: PortholeError | undefined): void;
}

/**
 * A compressed file as a file with positions: an unnamed temporary file that grows until all is
 * decompressed. A file that decompresses to too much is cut, with an error that says so.
 */
export class DecompressedFile {
  /** The caller closes the whole, not this file. */
  readonly file: OpenFile;
  readonly #fd: OwnedFd;
  readonly #abort = new AbortController();
  #listener: FillingListener | undefined;
  #written = 0;
  /** When the listener last heard of growth. */
  #told = 0;
  #end: { error: PortholeError | undefined } | undefined;
  #filled: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    const fd = temporaryFile(PURPOSE);
    this.#fd = fd;
    this.file = new OpenFile(path, fd, () => temporaryStat(fd));
  }

  /**
   * Resolves with the first bytes; the rest comes while `from` stays open, which the caller closes
   * after this.
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

  /** Calls `listener` from now on; at once if all is there. */
  watch(listener: FillingListener): void {
    this.#listener = listener;
    if (this.#end) listener.ended(this.#end.error);
  }

  /** Resolves when nothing comes any more. */
  filled(): Promise<void> {
    return this.#filled;
  }

  /** Resolves when the compressed file is not read any more. */
  async close(): Promise<void> {
    this.#listener = undefined;
    this.#abort.abort();
    await this.#filled;
    this.file.close();
  }

  async #fill(from: OpenFile, compression: Compression, hasFirst: () => void): Promise<void> {
    const { signal } = this.#abort;
    const most = from.size() * BOMB_RATIO;
    let error: PortholeError | undefined;
    try {
      for await (const piece of decompress(from.path, from.stream({ signal }), compression)) {
        if (signal.aborted) return;
        this.#write(piece, most);
        if (this.#written >= FIRST_BYTES) hasFirst();
        this.#tell();
      }
    } catch (cause) {
      error = temporaryFileError(cause, PURPOSE);
    }
    this.#end = { error };
    this.#listener?.ended(error);
  }

  /** A frame for each piece would take longer than to decompress it. */
  #tell(): void {
    const now = performance.now();
    if (now - this.#told < TOLD_MS) return;
    this.#told = now;
    this.#listener?.grown();
  }

  #write(piece: Buffer, most: number): void {
    if (this.#written + piece.length > MAX_BYTES)
      throw new PortholeError("FILE", "decompression stopped: 4 GiB are kept at most");
    if (this.#written > BOMB_BYTES && this.#written > most)
      throw new PortholeError(
        "FILE",
        `decompression stopped after ${this.#written} bytes, ${BOMB_RATIO} times the file's size: a decompression bomb?`,
      );
    // pwrite(2): SEEK_DATA of a reader moves the shared offset.
    for (let at = 0; at < piece.length; )
      at += writeSync(this.#fd.number, piece, at, piece.length - at, this.#written + at);
    this.#written += piece.length;
  }
}
