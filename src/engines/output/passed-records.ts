import type { OutputRecord } from "../containers/output-record.ts";

/** Maximum records per generation; two generations are kept. */
const GENERATION = 65_536;

/**
 * The last records that were passed on, by stream and time in nanoseconds. Keeps one to two
 * generations regardless of their times: an engine's clock may step back.
 */
export class PassedRecords {
  #young = new Generation();
  #old: Generation | undefined;

  /** Number of known records of the stream with this time. */
  count(stream: OutputRecord["stream"], time: bigint): number {
    return this.#young.count(stream, time) + (this.#old?.count(stream, time) ?? 0);
  }

  add(stream: OutputRecord["stream"], time: bigint): void {
    if (this.#young.size === GENERATION) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.add(stream, time);
  }

  /** Number of known records. */
  get size(): number {
    return this.#young.size + (this.#old?.size ?? 0);
  }

  /** Time of the oldest known record; undefined while one generation holds all records. */
  get knownFrom(): bigint | undefined {
    return this.#old?.first;
  }

  clear(): void {
    this.#young = new Generation();
    this.#old = undefined;
  }
}

class Generation {
  readonly #counts = { stdout: new TimeCounts(), stderr: new TimeCounts() };
  size = 0;
  first: bigint | undefined;

  count(stream: OutputRecord["stream"], time: bigint): number {
    return this.#counts[stream].get(time);
  }

  add(stream: OutputRecord["stream"], time: bigint): void {
    this.first ??= time;
    this.size += 1;
    this.#counts[stream].add(time);
  }
}

/** Slots of a small table. Tables have a power of two of them. */
const SLOTS = 64;
/** The slot of a time is its remainder by this prime: the clocks of engines have coarse steps. */
const PRIME = 1_000_003n;

/**
 * Counts times in a hash table outside of V8's heap. A map of bigints, of which each record
 * replaces one, takes three times the memory, and as much again between two collections.
 */
class TimeCounts {
  #times = new BigInt64Array(0);
  /** Counts by slot; 0 for a free slot. */
  #counts = new Uint32Array(0);
  #used = 0;

  get(time: bigint): number {
    return this.#used === 0 ? 0 : (this.#counts[this.#slotOf(time)] ?? 0);
  }

  add(time: bigint): void {
    if (2 * this.#used >= this.#counts.length) this.#grow();
    const slot = this.#slotOf(time);
    if (this.#counts[slot] === 0) this.#used++;
    this.#times[slot] = time;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** Returns the slot that has the time, or the free one for it. */
  #slotOf(time: bigint): number {
    const mask = this.#counts.length - 1;
    let slot = Number(BigInt.asUintN(63, time) % PRIME) & mask;
    while (this.#counts[slot] !== 0 && this.#times[slot] !== time) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [times, counts] = [this.#times, this.#counts];
    const slots = Math.max(SLOTS, 2 * counts.length);
    this.#times = new BigInt64Array(slots);
    this.#counts = new Uint32Array(slots);
    counts.forEach((count, from) => {
      const time = times[from];
      if (count === 0 || time === undefined) return;
      const slot = this.#slotOf(time);
      this.#times[slot] = time;
      this.#counts[slot] = count;
    });
  }
}
