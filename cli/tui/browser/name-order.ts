import { bytesKey } from "../../ls/order.ts";
import { naturalKey } from "./natural-order.ts";

/** Number of names that are sorted at once, in about 5 ms. */
const RUN = 2_000;

interface Named {
  readonly entry: { readonly name: string };
}

/** Ranks of items by name. Sorting 100,000 names takes several times as long as sorting numbers. */
const ranked = new WeakMap<readonly Named[], Int32Array>();

/** Returns the rank of each item by its name. Numbers in names are ordered by value. */
export function nameRanks(items: readonly Named[]): Int32Array {
  const known = ranked.get(items);
  if (known) return known;
  const order = new NameOrder();
  for (const item of items) order.add(item);
  return order.rank(items);
}

/**
 * Sorts names while they are added: sorts each run of {@link RUN} names, and merges runs of similar
 * length. So no long sort delays keys at the end of a long directory.
 */
export class NameOrder {
  readonly #keys: string[] = [];
  /** Sorted runs of indexes of keys, in the order of the keys. */
  readonly #runs: Uint32Array[] = [];
  /** Number of keys in the runs. */
  #sorted = 0;

  add({ entry }: Named): void {
    this.#keys.push(bytesKey(naturalKey(entry.name)));
    if (this.#keys.length - this.#sorted === RUN) this.#sortRun();
  }

  /** Computes {@link nameRanks}. @param items all added items, in the order of the additions */
  rank(items: readonly Named[]): Int32Array {
    this.#sortRun();
    while (this.#runs.length > 1) this.#mergeLast();
    const ranks = new Int32Array(items.length);
    this.#runs[0]?.forEach((index, rank) => {
      ranks[index] = rank;
    });
    ranked.set(items, ranks);
    return ranks;
  }

  #sortRun(): void {
    const from = this.#sorted;
    this.#sorted = this.#keys.length;
    if (from === this.#sorted) return;
    const keys = this.#keys;
    const run = Uint32Array.from({ length: this.#sorted - from }, (_, index) => from + index);
    this.#runs.push(run.sort((a, b) => compare(keys[a], keys[b])));
    while ((this.#runs.at(-2)?.length ?? Number.POSITIVE_INFINITY) <= (this.#runs.at(-1)?.length ?? 0))
      this.#mergeLast();
  }

  /** Merges the last two runs. Equal names keep their order. */
  #mergeLast(): void {
    const [b, a] = [this.#runs.pop(), this.#runs.pop()];
    if (!a || !b) return;
    const keys = this.#keys;
    const merged = new Uint32Array(a.length + b.length);
    for (let at = 0, [i, j] = [0, 0]; at < merged.length; at++) {
      const [first = -1, second = -1] = [a[i], b[j]];
      const isFirst = second === -1 || (first !== -1 && compare(keys[first], keys[second]) <= 0);
      merged[at] = isFirst ? first : second;
      if (isFirst) i++;
      else j++;
    }
    this.#runs.push(merged);
  }
}

function compare(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
