import type { ByteSource } from "./byte-source.ts";

/**
 * A source whose end is fixed at the last {@link hold}. Work over many lines reads the end for
 * each, which is a system call for a file. Text that is appended after {@link hold} is not
 * included.
 */
export class HeldEnd implements ByteSource {
  readonly #source: ByteSource;
  readonly nextData?: (position: number) => number;
  #end = 0;

  constructor(source: ByteSource) {
    this.#source = source;
    if (source.nextData) this.nextData = (at) => Math.min(this.#end, source.nextData?.(at) ?? at);
  }

  /** Fixes the end at the current one. */
  hold(): void {
    this.#end = this.#source.end();
  }

  start(): number {
    return this.#source.start();
  }

  end(): number {
    return this.#end;
  }

  read(position: number, buffer: Uint8Array): number {
    const length = Math.min(buffer.length, this.#end - position);
    return length <= 0 ? 0 : this.#source.read(position, buffer.subarray(0, length));
  }
}
