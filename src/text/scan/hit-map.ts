import type { ByteSource } from "../sources/byte-source.ts";
import { CHUNK } from "./chunk-counter.ts";
import type { Hits } from "./hits.ts";

/** A source of so many chunks is small: its hits are taken one by one. */
const SMALL = 4;
/** Parts of a chunk of a larger one that are told apart. */
const FINE = 64;
/** Chunks that are looked at again for where in them hits are, in one call: a millisecond each. */
const AT_ONCE = 2;

/**
 * In which parts of a source there are hits: for ticks beside a scroll bar. Counts of chunks serve
 * where a part is larger than a chunk; where it is smaller, chunks with hits are looked at again, a
 * few in each call.
 */
export class HitMap {
  readonly #source: ByteSource;
  readonly #hits: Hits;
  /** Where in a chunk hits are, and where the source ended then. */
  readonly #fine = new Map<number, { end: number; parts: Uint8Array }>();
  #known: { key: string; has: Uint8Array } | undefined;

  constructor(source: ByteSource, hits: Hits) {
    this.#source = source;
    this.#hits = hits;
  }

  /**
   * For each of `count` equal parts 1 where there are hits, as far as is scanned. `isRough`: some
   * are known by their chunk only; the next call knows more.
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
