import type { OutputRecord } from "./output-record.ts";

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
  readonly #times = { stdout: new Map<bigint, number>(), stderr: new Map<bigint, number>() };
  size = 0;
  first: bigint | undefined;

  count(stream: OutputRecord["stream"], time: bigint): number {
    return this.#times[stream].get(time) ?? 0;
  }

  add(stream: OutputRecord["stream"], time: bigint): void {
    this.first ??= time;
    this.size += 1;
    this.#times[stream].set(time, this.count(stream, time) + 1);
  }
}
