import type { ByteSource } from "../sources/byte-source.ts";
import { CHUNK } from "./chunk-counter.ts";
import type { Hits } from "./hits.ts";

/** Maximum number of chunks for which the map uses every hit's position. */
const SMALL = 4;
/** Parts per chunk of a larger source. */
const FINE = 64;
/** Maximum number of chunks that one call searches again for positions, at about 1 ms each. */
const AT_ONCE = 2;

/**
 * Maps hits to equal parts of a source, for ticks beside a scroll bar. Uses the hit counts of
 * chunks if a part is larger than a chunk. Otherwise it searches chunks with hits again, a few per
 * call.
 */
export class HitMap {
  readonly #source: ByteSource;
  readonly #hits: Hits;
  /** Parts of a chunk with hits, and the end of the source when it was searched. */
  readonly #fine = new Map<number, { end: number; parts: Uint8Array }>();
  #known: { key: string; has: Uint8Array } | undefined;

  constructor(source: ByteSource, hits: Hits) {
    this.#source = source;
    this.#hits = hits;
  }

  /**
   * For each of `count` equal parts, 1 if it has hits in the bytes scanned so far. `isRough`: the
   * positions of some hits are known only by chunk; the next call refines them.
   */
  parts(count: number): { has: Uint8Array; isRough: boolean } {
    const [start, end] = [this.#source.start(), this.#source.end()];
    const { total, knownBytes } = this.#hits.scan.counts;
    const key = `${count} ${start} ${end} ${total} ${knownBytes}`;
    if (this.#known?.key === key) return { has: this.#known.has, isRough: false };
    const has = new Uint8Array(count);
    const mark = (offset: number) => {
      has[Math.min(count - 1, Math.floor(((Math.max(offset, start) - start) * count) / (end - start)))] = 1;
    };
    const first = Math.floor(start / CHUNK);
    const chunks = Math.ceil(end / CHUNK);
    const isFine = chunks - first <= count * 2;
    let left = AT_ONCE;
    for (let chunk = first; chunk < chunks; chunk++) {
      if (!this.#hits.scan.counts.count(chunk)) continue;
      if (chunks - first <= SMALL) {
        for (const at of this.#hits.positions(chunk)) mark(at);
        continue;
      }
      const parts = isFine ? this.#partsOf(chunk, end, () => left-- > 0) : undefined;
      if (!parts) mark(chunk * CHUNK + (isFine ? CHUNK / 2 : 0));
      for (const [part, isHit] of parts?.entries() ?? []) if (isHit) mark(chunk * CHUNK + (part * CHUNK) / FINE);
    }
    this.#known = isFine && left < 0 ? undefined : { key, has };
    return { has, isRough: this.#known === undefined };
  }

  #partsOf(chunk: number, end: number, mayLook: () => boolean): Uint8Array | undefined {
    const ends = Math.min(end, (chunk + 2) * CHUNK);
    const known = this.#fine.get(chunk);
    if (known?.end === ends || !mayLook()) return known?.parts;
    const parts = new Uint8Array(FINE);
    for (const at of this.#hits.positions(chunk)) parts[Math.floor(((at - chunk * CHUNK) * FINE) / CHUNK)] = 1;
    this.#fine.set(chunk, { end: ends, parts });
    return parts;
  }
}
