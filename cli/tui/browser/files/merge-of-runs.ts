/** Merges two sorted runs, in as many steps as the caller wants. */
export class MergeOfRuns {
  readonly #a: Uint32Array;
  readonly #b: Uint32Array;
  readonly #compare: (a: number, b: number) => number;
  readonly #merged: Uint32Array;
  /** Numbers taken from each run. */
  #i = 0;
  #j = 0;

  constructor(a: Uint32Array, b: Uint32Array, compare: (a: number, b: number) => number) {
    this.#a = a;
    this.#b = b;
    this.#compare = compare;
    this.#merged = new Uint32Array(a.length + b.length);
  }

  /** Merges up to `count` numbers more. Returns the result at the end. Equal numbers keep their order. */
  step(count: number): Uint32Array | undefined {
    const [a, b, merged, compare] = [this.#a, this.#b, this.#merged, this.#compare];
    let [i, j] = [this.#i, this.#j];
    const end = Math.min(i + j + count, merged.length);
    for (let at = i + j; at < end; at++) {
      const isFirst = j >= b.length || (i < a.length && compare(a[i] as number, b[j] as number) <= 0);
      merged[at] = (isFirst ? a[i++] : b[j++]) as number;
    }
    [this.#i, this.#j] = [i, j];
    return end === merged.length ? merged : undefined;
  }
}
