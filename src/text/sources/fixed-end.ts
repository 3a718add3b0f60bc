import type { ByteSource, SourcePart } from "./byte-source.ts";

/**
 * A source whose end can be fixed temporarily. Work over many lines reads the end for each line,
 * which costs a system call for a file.
 */
export class FixedEnd implements ByteSource {
  readonly #source: ByteSource;
  readonly nextData?: (position: number) => number;
  readonly parts?: () => SourcePart[];
  /** The fixed end; undefined outside of {@link during}. */
  #end: number | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
    const { nextData, parts } = source;
    if (nextData) this.nextData = (at) => Math.min(this.end(), nextData.call(source, at));
    if (parts) this.parts = () => parts.call(source);
  }

  /**
   * Runs `action` with the current end. Text that is appended meanwhile is not included. `end`: the
   * end that the caller has just read.
   */
  during<Result>(action: () => Result, end?: number): Result {
    const before = this.#end;
    this.#end ??= end ?? this.#source.end();
    try {
      return action();
    } finally {
      this.#end = before;
    }
  }

  start(): number {
    return this.#source.start();
  }

  end(): number {
    return this.#end ?? this.#source.end();
  }

  read(position: number, buffer: Uint8Array): number {
    if (this.#end === undefined) return this.#source.read(position, buffer);
    const length = Math.min(buffer.length, this.#end - position);
    return length <= 0 ? 0 : this.#source.read(position, buffer.subarray(0, length));
  }
}
