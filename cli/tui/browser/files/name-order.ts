import { setImmediate as turn } from "node:timers/promises";
import { MergeOfRuns } from "./merge-of-runs.ts";

/** Number of names that are sorted at once, in about 5 ms. */
const RUN = 2_000;

/** Names that are merged for each one that is added. Seven are enough for 200,000 names. */
const MERGED_PER_NAME = 10;

/** Names that are merged at once, in about 4 ms, before keys are handled. */
const MERGED_AT_ONCE = 12_000;

/**
 * Sorts numbers of names while names are added: sorts each run of {@link RUN} names, and merges
 * runs of similar length, a few names with each addition. So no long sort delays keys.
 */
export class NameOrder {
  readonly #compare: (a: number, b: number) => number;
  /** Sorted runs, in the order of the additions. */
  readonly #runs: Uint32Array[] = [];
  /** The merge in progress, of the run at `index` and the next one. */
  #merge: { index: number; task: MergeOfRuns } | undefined;
  /** Number of names, and of those in the runs. */
  #count = 0;
  #sorted = 0;

  /** @param compare compares the names with these numbers */
  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare;
  }

  /** Adds the next name. The first one has the number 0. */
  add(): void {
    this.#count++;
    if (this.#merge) this.#goOn(MERGED_PER_NAME);
    if (this.#count - this.#sorted === RUN) this.#sortRun();
  }

  /** Sorts the names so far, in parts between which keys are handled. {@link sorted} is then fast. */
  async settle(signal?: AbortSignal): Promise<void> {
    this.#sortRun();
    while (this.#beginLast() && !signal?.aborted) {
      this.#goOn(MERGED_AT_ONCE);
      await turn();
    }
  }

  /** Returns the numbers of all names in their order. Equal names keep the order of their additions. */
  sorted(): Uint32Array {
    this.#sortRun();
    while (this.#beginLast()) this.#goOn(Number.POSITIVE_INFINITY);
    return this.#runs[0] ?? new Uint32Array(0);
  }

  #sortRun(): void {
    const from = this.#sorted;
    this.#sorted = this.#count;
    if (from === this.#sorted) return;
    const run = Uint32Array.from({ length: this.#sorted - from }, (_, index) => from + index);
    this.#runs.push(run.sort(this.#compare));
    this.#beginSimilar();
  }

  /** Begins to merge two runs of which the later one is not shorter. */
  #beginSimilar(): void {
    const lengthOf = (index: number) => this.#runs[index]?.length ?? 0;
    const index = this.#runs.findIndex((run, at) => run.length <= lengthOf(at + 1));
    if (index !== -1) this.#begin(index);
  }

  /** Begins to merge the last two runs. False if there is only one. */
  #beginLast(): boolean {
    if (this.#runs.length > 1) this.#begin(this.#runs.length - 2);
    return this.#runs.length > 1;
  }

  #begin(index: number): void {
    const [a, b] = [this.#runs[index], this.#runs[index + 1]];
    if (!this.#merge && a && b) this.#merge = { index, task: new MergeOfRuns(a, b, this.#compare) };
  }

  #goOn(count: number): void {
    const { index, task } = this.#merge ?? {};
    const merged = task?.step(count);
    if (index === undefined || !merged) return;
    this.#runs.splice(index, 2, merged);
    this.#merge = undefined;
    this.#beginSimilar();
  }
}
