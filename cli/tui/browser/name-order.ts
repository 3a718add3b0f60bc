/** Number of names that are sorted at once, in about 5 ms. */
const RUN = 2_000;

/**
 * Sorts numbers of names while names are added: sorts each run of {@link RUN} names, and merges
 * runs of similar length. So no long sort delays keys at the end of a long directory.
 */
export class NameOrder {
  readonly #compare: (a: number, b: number) => number;
  /** Sorted runs, in the order of the additions. */
  readonly #runs: Uint32Array[] = [];
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
    if (this.#count - this.#sorted === RUN) this.#sortRun();
  }

  /** Returns the numbers of all names in their order. Equal names keep the order of their additions. */
  sorted(): Uint32Array {
    this.#sortRun();
    while (this.#runs.length > 1) this.#mergeLast();
    return this.#runs[0] ?? new Uint32Array(0);
  }

  #sortRun(): void {
    const from = this.#sorted;
    this.#sorted = this.#count;
    if (from === this.#sorted) return;
    const run = Uint32Array.from({ length: this.#sorted - from }, (_, index) => from + index);
    this.#runs.push(run.sort(this.#compare));
    while ((this.#runs.at(-2)?.length ?? Number.POSITIVE_INFINITY) <= (this.#runs.at(-1)?.length ?? 0))
      this.#mergeLast();
  }

  /** Merges the last two runs. Equal names keep their order. */
  #mergeLast(): void {
    const [b, a] = [this.#runs.pop(), this.#runs.pop()];
    if (!a || !b) return;
    const compare = this.#compare;
    const merged = new Uint32Array(a.length + b.length);
    for (let at = 0, i = 0, j = 0; at < merged.length; at++) {
      const isFirst = j >= b.length || (i < a.length && compare(a[i] as number, b[j] as number) <= 0);
      merged[at] = (isFirst ? a[i++] : b[j++]) as number;
    }
    this.#runs.push(merged);
  }
}
