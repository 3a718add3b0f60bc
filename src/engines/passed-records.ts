import type { OutputRecord } from "./output-record.ts";

/** Records in one of two generations. */
const GENERATION = 65_536;

/**
 * The last records of a container's output that were passed on, by stream and time in nanoseconds.
 * Holds one to two generations of them, whatever their times: the clock of an engine may step back.
 */
export class PassedRecords {
  #young = new Generation();
  #old: Generation | undefined;

  /** How many records of that stream have this time. */
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

  /** The time of the first record that is known; undefined if all of them are known. */
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
