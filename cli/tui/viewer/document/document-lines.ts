import { BlockCache, type ByteSource, type Encoding, FixedEnd, Lines } from "../../../../src/text/index.ts";
import type { Content } from "./content.ts";

/** A source of bytes, its encoding and its lines. */
export class DocumentLines {
  readonly #held: FixedEnd;
  readonly #content: Content;
  cache: BlockCache;
  lines: Lines;
  encoding: Encoding;

  constructor(content: Content) {
    this.#content = content;
    this.#held = new FixedEnd(content.source);
    this.encoding = content.encoding;
    this.cache = new BlockCache(this.source);
    this.lines = new Lines(this.cache, this.encoding);
  }

  get source(): ByteSource {
    return this.#held;
  }

  /**
   * Runs `action` with a fixed end of the source, even if data is appended meanwhile. `end`: the end
   * that the caller has just read.
   */
  during<Result>(action: () => Result, end?: number): Result {
    return this.#held.during(action, end);
  }

  get chain(): Content["chain"] {
    return this.#content.chain;
  }

  get isStream(): boolean {
    return this.#content.stream !== undefined;
  }

  /** Length of the byte order mark at the beginning, which is not shown. */
  get mark(): number {
    return this.encoding === this.#content.encoding ? this.#content.mark : 0;
  }
}
