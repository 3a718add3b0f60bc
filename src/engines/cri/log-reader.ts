import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { logFiles, readLogFile } from "./log-files.ts";

const BLOCK = 64 * 1024;
/** Attempts to open a log that is being rotated before it counts as missing. */
const ATTEMPTS = 3;

/**
 * Reads the log files of one container: the rotated files, then appended bytes, through further
 * rotations.
 */
export class LogReader implements Disposable {
  readonly #path: string;
  #current: LogFile | undefined;
  /** The file before the last rotation. The runtime may still have been writing to it. */
  #previous: LogFile | undefined;
  #rotated: readonly string[] = [];

  /** @throws Error with the errno of open(2), other than ENOENT */
  constructor(path: string) {
    this.#path = path;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.#current?.close();
      this.#current = LogFile.open(path);
      this.#rotated = this.#listed();
      if (this.#current?.isAt(path) !== false) return;
    }
  }

  /** The rotated files, oldest first. */
  get rotated(): readonly string[] {
    return this.#rotated;
  }

  /**
   * Yields the bytes appended since the last call; the first call yields the whole current file.
   * @throws Error with the errno of read(2)
   */
  async *grown(signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    if (this.#previous !== undefined) {
      yield* this.#previous.grown();
      this.#previous.close();
      this.#previous = undefined;
    }
    this.#current ??= LogFile.open(this.#path);
    while (this.#current !== undefined) {
      yield* this.#current.grown();
      const next = this.#current.isAt(this.#path) ? undefined : LogFile.open(this.#path);
      // Between the rename and the creation of the new file, the runtime still writes to the old
      // one.
      if (next === undefined) return;
      yield* this.#current.grown();
      const before = this.#rotated;
      this.#rotated = this.#listed();
      // The first new name is the file that was just read; the others are from further rotations.
      const missed = this.#rotated.filter((one) => !before.some((other) => sameStamp(one, other))).slice(1);
      for (const one of missed) yield* readLogFile(one, signal);
      this.#previous = this.#current;
      this.#current = next;
    }
  }

  [Symbol.dispose](): void {
    this.#current?.close();
    this.#previous?.close();
  }

  #listed(): string[] {
    return logFiles(this.#path).slice(0, -1);
  }
}

/** Ignores `.gz`: the kubelet compresses rotated files later. */
function sameStamp(one: string, other: string): boolean {
  return one.replace(/\.gz$/, "") === other.replace(/\.gz$/, "");
}

class LogFile {
  readonly #fd: number;
  readonly #inode: number;
  #position = 0;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#inode = fstatSync(fd).ino;
  }

  /** Opens the current file. Undefined if there is no file. */
  static open(path: string): LogFile | undefined {
    try {
      return new LogFile(openSync(path, "r"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  isAt(path: string): boolean {
    return statSync(path, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  *grown(): Generator<Buffer, void, void> {
    if (fstatSync(this.#fd).size < this.#position) this.#position = 0;
    for (;;) {
      const block = Buffer.allocUnsafe(BLOCK);
      const count = readSync(this.#fd, block, 0, BLOCK, this.#position);
      if (count === 0) return;
      this.#position += count;
      yield block.subarray(0, count);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
