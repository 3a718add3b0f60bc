import type { ByteSource } from "../sources/byte-source.ts";
import { CHUNK, type ChunkCounter, chunkCounter, type Query } from "./chunk-counter.ts";
import type { Direction } from "./chunk-range.ts";
import { mayBacktrack, withDeadline } from "./deadline.ts";
import { Scan } from "./scan.ts";
import type { ScanPool } from "./scan-pool.ts";

/** Number of hits whose positions are cached. A screen needs one chunk, or one for each row. */
const KEPT_HITS = 64 * 1024;
/** Number of chunks whose hits are cached. */
const KEPT_CHUNKS = 512;

/** Number of bytes of a new chunk that are searched at once. */
const BEGUN = 64 * 1024;

/** The hits of a chunk, for a source that ended at `end`. */
interface Positions {
  end: number;
  hits: readonly number[];
  /** False if the search was aborted. */
  isWhole: boolean;
  /** True while the synchronous work that found them is running. */
  isHeld: boolean;
}

/**
 * Number of chunks in a row that take too long on this thread before only threads find positions.
 * The first chunks of any expression are slow: V8 has not compiled the code yet.
 */
const STRIKES = 3;

/** Stands for the hits that a thread is finding. */
const NO_POSITIONS: Positions = { end: 0, hits: [], isWhole: false, isHeld: false };

/** Result of a search. */
export type SearchResult = { kind: "found"; at: number } | { kind: "none" } | { kind: "cancelled" };

/**
 * The hits of a query in a source: their number, the next hit, and the ordinal of a hit. Stores
 * only counts for each chunk, and finds positions again on demand.
 */
export class Hits {
  readonly scan: Scan;
  readonly #source: ByteSource;
  #counter: ChunkCounter;
  readonly #risky: boolean;
  readonly #kept = new Map<number, Positions>();
  #keptHits = 0;
  /** Chunks whose positions a thread is finding. */
  readonly #locating = new Set<number>();
  /** Number of chunks in a row that took too long on this thread. */
  #strikes = 0;

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
    this.#keptHits = 0;
  }

  /**
   * Hits in one chunk, ascending. Includes bytes appended since the count. Bytes that are appended
   * during synchronous work, such as a frame that calls this for each row, are included after that
   * work. Otherwise a source that grows all the time would be searched for each row. An expression
   * that is slow has no hits until a thread has found them, which `changed` then reports.
   */
  positions(chunk: number): readonly number[] {
    return this.#positions(chunk).hits;
  }

  /** `isFresh`: includes the bytes that were appended meanwhile. */
  #positions(chunk: number, isFresh = false): Positions {
    const end = Math.min(this.#source.end(), (chunk + 2) * CHUNK);
    const known = this.#kept.get(chunk);
    if (known?.end === end && (known.isWhole || known.isHeld)) return known;
    if (known && !isFresh && known.isHeld && known.end < end) return known;
    if (this.#locating.has(chunk) || (this.#isSlow && this.#locate(chunk, end))) return known ?? NO_POSITIONS;
    const hits = this.#lookInTime(chunk, known, end);
    if (hits === undefined && this.#locate(chunk, end)) return known ?? NO_POSITIONS;
    const found = { end, hits: hits ?? [], isWhole: hits !== undefined, isHeld: true };
    queueMicrotask(() => {
      found.isHeld = false;
    });
    this.#keep(chunk, found);
    return found;
  }

  get #isSlow(): boolean {
    return this.#strikes >= (this.#risky ? 1 : STRIKES);
  }

  /** Returns undefined if it takes longer than a key may wait. */
  #lookInTime(chunk: number, known: Positions | undefined, end: number): readonly number[] | undefined {
    const look = () => this.#look(chunk, known, end);
    // Nothing but this thread can read the source, and the scan waits for the expression too.
    if (!this.#source.parts && !this.#risky) return look();
    const hits = withDeadline(this, look);
    if (hits) this.#strikes = 0;
    else {
      this.#strikes++;
      // The abort may have left data in the cache of the counter.
      this.#counter = chunkCounter(this.#source, this.scan.query);
    }
    return hits;
  }

  /** Finds the hits of a chunk in a thread. False if this is impossible. */
  #locate(chunk: number, end: number): boolean {
    const isStarted = this.scan.locate(chunk, (positions) => {
      this.#locating.delete(chunk);
      if (positions) this.#keep(chunk, { end, hits: Array.from(positions), isWhole: true, isHeld: false });
    });
    if (isStarted) this.#locating.add(chunk);
    return isStarted;
  }

  #keep(chunk: number, positions: Positions): void {
    this.#forget(chunk);
    this.#kept.set(chunk, positions);
    this.#keptHits += positions.hits.length;
    while (this.#kept.size > KEPT_CHUNKS || (this.#keptHits > KEPT_HITS && this.#kept.size > 2))
      this.#forget(this.#kept.keys().next().value ?? chunk);
  }

  #forget(chunk: number): void {
    this.#keptHits -= this.#kept.get(chunk)?.hits.length ?? 0;
    this.#kept.delete(chunk);
  }

  /**
   * Scans the chunk of `offset` on this thread, so that its hits are available at once. Then scans
   * the others.
   */
  begin(offset: number): void {
    const end = this.#source.end();
    this.lookHere(Math.min(offset, end - 1));
    this.scan.go(offset, "forward", end);
  }

  /** Scans the chunk of `offset` on this thread. */
  lookHere(offset: number): void {
    if (offset < this.#source.start() || offset >= this.#source.end()) return;
    const chunk = Math.floor(offset / CHUNK);
    if (!this.#risky && !this.#isSlow && this.scan.counts.count(chunk) === undefined) this.#count(chunk);
  }

  /**
   * Scans appended bytes. Uses this thread if only the last record and the bytes after it must be
   * searched, otherwise the background.
   */
  grown(): void {
    const end = this.#source.end();
    const last = Math.ceil(end / CHUNK) - 1;
    const { counts } = this.scan;
    const isShort = end - last * CHUNK <= BEGUN && counts.count(last - 1) !== undefined;
    for (const chunk of this.#risky || this.#isSlow || !this.#counter.openFrom ? [] : [last - 1, last]) {
      const isWanted = counts.count(chunk) !== undefined || (chunk === last && isShort);
      if (isWanted && !counts.isCurrent(chunk, end)) this.#count(chunk);
    }
    this.scan.go(undefined, "forward", end);
  }

  /** True while hits may be missing: the scan runs, or threads find positions. */
  get isRunning(): boolean {
    return this.scan.isRunning || this.#locating.size > 0;
  }

  /** Scanned part of the source, 0 to 1. It is also 1 if only new bytes are missing. */
  get progress(): number {
    const { scan } = this;
    const isDone = !scan.isRunning && !scan.isCancelled && scan.failure === undefined;
    return isDone || scan.isComplete ? 1 : scan.progress;
  }

  /**
   * The first hit at or after `from`, or the last one before it. `unknown`: the hits of a chunk in
   * between are not known yet.
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
      if (this.#locating.has(chunk)) return "unknown";
    }
    return undefined;
  }

  /** Resolves with {@link near} once it is known. */
  async find(from: number, direction: Direction): Promise<SearchResult> {
    const near = direction === "forward" ? from : from - 1;
    this.lookHere(near);
    this.scan.go(near, direction);
    for (;;) {
      const at = this.near(from, direction);
      if (typeof at === "number") return { kind: "found", at };
      if (at === undefined) return { kind: "none" };
      if (this.scan.failure !== undefined) throw new Error(this.scan.failure);
      if (!this.scan.isRunning && !this.scan.isCancelled) this.scan.go();
      if (!this.isRunning) return { kind: "cancelled" };
      await this.scan.progressed();
    }
  }

  #count(chunk: number): void {
    const { hits, end, isWhole } = this.#positions(chunk, true);
    if (isWhole) this.scan.counts.set(chunk, hits.length, end);
  }

  /**
   * Searches a chunk for hits. If the chunk has grown, searches again only the part that the new
   * bytes may change.
   */
  #look(chunk: number, known: Positions | undefined, end: number): readonly number[] {
    if (!known?.isWhole || known.end > end || !this.#counter.openFrom) return this.#counter.positions(chunk);
    const from = this.#counter.openFrom(known.end);
    const kept = known.hits.filter((hit) => hit < from);
    return from >= (chunk + 1) * CHUNK ? kept : [...kept, ...this.#counter.positions(chunk, from)];
  }

  /**
   * Returns the number of the hit at `position`, from 1; undefined until everything before it is
   * scanned.
   */
  ordinal(position: number): number | undefined {
    const chunk = Math.floor(position / CHUNK);
    const before = this.scan.counts.before(chunk);
    if (before === undefined) return undefined;
    const index = this.positions(chunk).indexOf(position);
    return index === -1 ? undefined : before + index + 1;
  }
}
