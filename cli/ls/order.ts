import { pathBytes } from "../../src/target.ts";
import type { Item } from "./item.ts";

/** Items in the order that `ls` shows them: by name, or newest or largest first and by name among equals. */
export function sortItems(items: readonly Item[], options: { t?: boolean; S?: boolean; reverse?: boolean }): Item[] {
  const name = (item: Item) => item.name;
  const sorted = options.S
    ? byMost(items, sizeOf, name)
    : options.t
      ? byMost(items, timeOf, name)
      : byText(items, name);
  return options.reverse ? sorted.reverse() : sorted;
}

/** Sorted by the bytes of a text, as the C locale and most tools in containers do. */
export function byText<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  // Keys are made once for each: 100,000 items are compared 1.7 million times.
  const keyed = items.map((item) => ({ item, key: bytesKey(textOf(item)) }));
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ item }) => item);
}

/** The largest first, equals as {@link byText}. */
export function byMost<T>(items: readonly T[], amountOf: (item: T) => bigint, textOf: (item: T) => string): T[] {
  const keyed = items.map((item) => {
    const exact = amountOf(item);
    return { item, exact, about: Number(exact), key: bytesKey(textOf(item)) };
  });
  // Comparing numbers takes a tenth of the time; only those alike as such are looked at in full.
  return keyed
    .sort((a, b) => b.about - a.about || (a.exact === b.exact ? compare(a.key, b.key) : a.exact > b.exact ? -1 : 1))
    .map(({ item }) => item);
}

export function sizeOf({ total, stat }: Item): bigint {
  return total ?? stat?.size ?? 0n;
}

export function timeOf({ stat }: Item): bigint {
  return stat?.mtime ?? 0n;
}

const ASCII = /^[\x00-\x7f]*$/;

/** A text that `<` compares as the bytes of this one. */
function bytesKey(text: string): string {
  return ASCII.test(text) ? text : pathBytes(text).toString("latin1");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
