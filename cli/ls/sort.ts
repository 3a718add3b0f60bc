import type { PackedEntries } from "./packed-entries.ts";

type Names = Pick<PackedEntries, "length" | "byteOfName" | "commonPrefix">;

/**
 * Returns the indexes of the entries in byte order of their names, as the C locale and most tools
 * in containers sort them. Uses multikey quicksort (Bentley and Sedgewick), which reads a shared
 * byte of names once, not once per comparison. Pivots are random, so that a hostile choice of names
 * cannot make the sort slow.
 */
export function sortByBytes(names: Names): Uint32Array {
  const order = new Uint32Array(names.length);
  for (let index = 0; index < order.length; index++) order[index] = index;
  const pending: Range[] = [{ from: 0, to: order.length, at: 0 }];
  for (let range = pending.pop(); range !== undefined; range = pending.pop()) {
    const { from, to, at } = range;
    if (to - from <= FEW) {
      insertionSort(names, order, range);
      continue;
    }
    const pivot = names.byteOfName(order[from + Math.floor(Math.random() * (to - from))] as number, at);
    let less = from;
    let more = to;
    for (let here = from; here < more; ) {
      const byte = names.byteOfName(order[here] as number, at);
      if (byte < pivot) swap(order, less++, here++);
      else if (byte > pivot) swap(order, here, --more);
      else here++;
    }
    if (less > from) pending.push({ from, to: less, at });
    if (more < to) pending.push({ from: more, to, at });
    if (pivot === -1) continue;
    const isAll = less === from && more === to;
    pending.push({ from: less, to: more, at: isAll ? prefixOfRange(names, order, range) : at + 1 });
  }
  return order;
}

/** Returns the length of the common prefix of all names in a range. */
function prefixOfRange(names: Names, order: Uint32Array, { from, to, at }: Range): number {
  const first = order[from] as number;
  let length = Number.POSITIVE_INFINITY;
  for (let here = from + 1; here < to && length > at + 1; here++)
    length = names.commonPrefix(first, order[here] as number, at, length);
  return length;
}

function insertionSort(names: Names, order: Uint32Array, { from, to, at }: Range): void {
  for (let next = from + 1; next < to; next++) {
    const index = order[next] as number;
    let here = next;
    for (; here > from && isBefore(names, index, order[here - 1] as number, at); here--)
      order[here] = order[here - 1] as number;
    order[here] = index;
  }
}

function isBefore(names: Names, one: number, other: number, from: number): boolean {
  const at = names.commonPrefix(one, other, from, Number.POSITIVE_INFINITY);
  return names.byteOfName(one, at) < names.byteOfName(other, at);
}

/** Sorts the largest first. The sort is stable. */
export function sortByAmount(order: Uint32Array, amountOf: (index: number) => bigint): void {
  // Splits amounts into two numbers: comparing bigints takes ten times as long.
  const high = new Float64Array(order.length);
  const low = new Float64Array(order.length);
  for (let index = 0; index < order.length; index++) {
    const amount = amountOf(index);
    high[index] = Number(amount >> LOW_BITS);
    low[index] = Number(BigInt.asUintN(Number(LOW_BITS), amount));
  }
  order.sort((a, b) => (high[b] as number) - (high[a] as number) || (low[b] as number) - (low[a] as number));
}

/** An amount has at most 94 bits: 64-bit seconds in nanoseconds. */
const LOW_BITS = 48n;

/** Maximum size of ranges that use insertion sort. */
const FEW = 12;

/** A range of names whose first `at` bytes are equal. */
interface Range {
  from: number;
  to: number;
  at: number;
}

function swap(order: Uint32Array, a: number, b: number): void {
  const kept = order[a] as number;
  order[a] = order[b] as number;
  order[b] = kept;
}
