import type { ByteSource } from "../sources/byte-source.ts";
import { CHUNK, type ChunkCounter, chunkCounter, type Query } from "./chunk-counter.ts";
import type { Direction } from "./chunk-range.ts";
import { mayBacktrack, withDeadline } from "./deadline.ts";
import { Scan } from "./scan.ts";
import type { ScanPool } from "./scan-pool.ts";

/** Chunks whose hit positions are cached: a screen needs one or two. */
const KEPT = 8;

/** The hits of a chunk, for a source that ended at `end`. */
interface Positions {
  end: number;
  hits: readonly number[];
  /** Until the synchronous work that found them is done. */
  isHeld: boolean;
}

/** Result of a search. */
export type SearchResult = { kind: "found"; at: number } | { kind: "none" } | { kind: "cancelled" };

/**
 * The hits of a query in a source: their count, the next one, the number of one. Stores only counts
 * for each chunk; positions are found again on demand.
 */
export class Hits {
  readonly scan: Scan;
  readonly #source: ByteSource;
  readonly #counter: ChunkCounter;
  readonly #risky: boolean;
  readonly #kept = new Map<number, Positions>();

  /** @throws Error for an invalid pattern */
  constructor(source: ByteSource, query: Query, changed: () => void, pool?: ScanPool) {
    this.#source = source;
    this.#counter = chunkCounter(source, query);
    const match = "match" in query ? query.match : undefined;
    this.#risky = match !== undefined && match.fixed !== true && match.patterns.some(mayBacktrack);
    this.scan = new Scan(source, query, changed, pool);
  }

  /** Discards hits before `offset`. */
  dropBefore(offset: number): void {
    this.scan.counts.dropBefore(offset);
    this.#kept.clear();
  }

  /**
   * Hits in one chunk, ascending. Current: includes bytes appended since the count. Bytes that are
   * appended while synchronous work asks again and again, as a frame does for each row, count after
   * it: otherwise a source that grows all the time would be searched for each row.
   */
  positions(chunk: number): readonly number[] {
    const end = Math.min(this.#source.end(), (chunk + 2) * CHUNK);
    const known = this.#kept.get(chunk);
    if (known && (known.end === end || (known.isHeld && known.end < end))) return known.hits;
    const look = () => this.#counter.positions(chunk);
    const found = { end, hits: this.#risky ? (withDeadline(look) ?? []) : look(), isHeld: true };
    queueMicrotask(() => {
      found.isHeld = false;
    });
    this.#kept.delete(chunk);
    this.#kept.set(chunk, found);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value ?? chunk);
    return found.hits;
  }

  /**
   * The first hit at or after `from`, or the last one before it. `unknown`: a chunk in between is
   * not scanned yet.
   */
  near(from: number, direction: Direction): number | "unknown" | undefined {
    const end = this.#source.end();
    const chunks = Math.ceil(end / CHUNK);
    const first = Math.floor(this.#source.start() / CHUNK);
    const step = direction === "forward" ? 1 : -1;
    const begin = direction === "forward" ? Math.max(from, 0) : Math.min(from, end) - 1;
    for (let chunk = Math.floor(begin / CHUNK); chunk >= first && chunk < chunks; chunk += step) {
      const count = this.scan.counts.count(chunk);
      if (count === undefined) return "unknown";
      if (count === 0 && this.scan.counts.isCurrent(chunk, end)) continue;
      const positions = this.positions(chunk);
      const found =
        direction === "forward" ? positions.find((at) => at >= from) : positions.findLast((at) => at < from);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Resolves with {@link near} once it is known. */
  async find(from: number, direction: Direction): Promise<SearchResult> {
    const near = direction === "forward" ? from : from - 1;
    if (near >= this.#source.start() && near < this.#source.end()) {
      const chunk = Math.floor(near / CHUNK);
      if (!this.#risky) this.scan.lookHere(chunk, () => this.positions(chunk).length);
    }
    this.scan.go(near, direction);
    for (;;) {
      const at = this.near(from, direction);
      if (typeof at === "number") return { kind: "found", at };
      if (at === undefined) return { kind: "none" };
      if (this.scan.failure !== undefined) throw new Error(this.scan.failure);
      if (!this.scan.isRunning) return { kind: "cancelled" };
      await this.scan.progressed();
    }
  }

  /** Number of the hit at `position`, from 1; undefined until everything before it is scanned. */
  ordinal(position: number): number | undefined {
    const chunk = Math.floor(position / CHUNK);
    const before = this.scan.counts.before(chunk);
    if (before === undefined) return undefined;
    const index = this.positions(chunk).indexOf(position);
    return index === -1 ? undefined : before + index + 1;
  }
}
