import type { ByteSource } from "../sources/byte-source.ts";
import type { ChunkCounts } from "./chunk-counts.ts";
import { CHUNK } from "./chunk-pieces.ts";
import type { Stretch } from "./stretch.ts";

/**
 * Bytes of a source whose holes are skipped. What is known of each chunk takes 16 bytes: skipping on through a hole of 8 EiB, which a file may well
 * have, would fill the memory within a minute.
 */
const MOST_SKIPPED = 2 ** 42;

/** Which chunks need not be read: one in the midst of a hole is, and all others have what that one has. */
export class Holes {
  readonly #source: ByteSource;
  /** What each chunk in the midst of a hole has. */
  #hits: number | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Keeps what is known of a stretch in the midst of a hole, unread. True when it was one. */
  skip({ from, to }: Stretch, counts: ChunkCounts): boolean {
    if (this.#hits === undefined) return false;
    const end = this.#source.end();
    let chunk = from;
    while (chunk < to && this.#holds(chunk)) counts.set(chunk++, this.#hits, end);
    return chunk > from;
  }

  /** The stretch as far as it is of one kind: one chunk of a hole, to know what all of them have; or what is in none. */
  until({ from, to }: Stretch): Stretch {
    if (this.#source.nextData === undefined) return { from, to };
    if (this.#holds(from)) return { from, to: from + 1 };
    let chunk = from + 1;
    while (chunk < to && !this.#holds(chunk)) chunk++;
    return { from, to: chunk };
  }

  /** Takes what was counted in a stretch that was read. */
  learn({ from, to }: Stretch, counts: ArrayLike<number>): void {
    if (to === from + 1 && this.#holds(from)) this.#hits = counts[0];
  }

  /** True for a chunk of zeros between chunks of zeros: where its lines are cut, and what is in them, is the same in all of those. */
  #holds(chunk: number): boolean {
    const source = this.#source;
    if (chunk === 0 || source.nextData === undefined || source.end() > MOST_SKIPPED) return false;
    return source.nextData((chunk - 1) * CHUNK) >= (chunk + 2) * CHUNK;
  }
}
