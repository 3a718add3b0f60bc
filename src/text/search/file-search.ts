import { type BinaryMode, LineBuffer } from "./line-buffer.ts";
import { type LineOptions, LineSearch } from "./line-search.ts";
import type { Matcher } from "./matcher.ts";
import type { Sink } from "./sink.ts";

/** How one file is searched. */
export interface FileSearchOptions extends LineOptions {
  binary: BinaryMode;
  /** Size from which on several threads are worth their start; default 64 MiB. */
  threadsFrom?: number | undefined;
}

/**
 * The search of one file, fed with its bytes in order: read into {@link room}, tell how many came with {@link filled} until that says false, then
 * {@link finish}. Blocks begin and end as ripgrep's do when it reads without mmap, so that what is said of binary files is the same.
 */
export class FileSearch {
  readonly lines: LineSearch;
  readonly #buffer: LineBuffer;
  readonly #sink: Sink;
  readonly #isFilter: boolean;
  #knowsBinary = false;
  #isSearched = false;

  constructor(matcher: Matcher, sink: Sink, options: FileSearchOptions) {
    this.lines = new LineSearch(matcher, sink, options);
    this.#buffer = new LineBuffer(options.binary);
    this.#sink = sink;
    this.#isFilter = options.binary === "quit";
  }

  /** Where to read to; never empty. Throws as {@link LineBuffer.room}. */
  room(): Buffer {
    this.#consume();
    return this.#buffer.room();
  }

  /** Where in the file the bytes for {@link room} are. */
  get position(): number {
    return this.#buffer.position;
  }

  /** Takes `count` bytes that were put into {@link room}, 0 at the end of the file. False when no more are wanted. */
  filled(count: number): boolean {
    if (!this.#buffer.filled(count)) return true;
    const { binaryAt } = this.#buffer;
    if (binaryAt !== undefined && !this.#knowsBinary) {
      this.#knowsBinary = true;
      this.#sink.binary(binaryAt);
      // What stands before the NUL in this block is not searched either.
      if (this.#isFilter) return false;
    }
    if (!this.lines.search(this.#buffer.lines, this.#buffer.offset)) return false;
    this.#isSearched = true;
    return count > 0;
  }

  /** Goes on with the line at `offset`, `number` in the file; only where no context is wanted before it. */
  jump(offset: number, number: number): void {
    this.#isSearched = false;
    this.#buffer.jump(offset);
    this.lines.jump(offset, number);
  }

  /** As ripgrep, a search that ended early counts the blocks before the one in which it did. */
  finish(): void {
    const { offset, lines, binaryAt } = this.#buffer;
    this.#sink.finish({ bytes: this.#isSearched ? offset + lines.length : offset, binaryAt });
  }

  #consume(): void {
    if (!this.#isSearched) return;
    this.#isSearched = false;
    this.#buffer.consume(this.lines.done({ bytes: this.#buffer.lines, offset: this.#buffer.offset }));
  }
}
