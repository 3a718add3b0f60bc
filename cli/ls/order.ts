import { pathBytes } from "../../src/target.ts";
import type { Item } from "./item.ts";

/** Sorts items by name. With `t` or `S`, sorts newest or largest first, then by name. */
export function sortItems(items: readonly Item[], options: { t?: boolean; S?: boolean; reverse?: boolean }): Item[] {
  const name = (item: Item) => item.name;
  const sorted = options.S
    ? byMost(items, sizeOf, name)
    : options.t
      ? byMost(items, timeOf, name)
      : byText(items, name);
  return options.reverse ? sorted.reverse() : sorted;
}

/** Sorts by the bytes of a text, as the C locale and most tools in containers do. */
export function byText<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  // Computes each key once: sorting 100,000 texts takes 1.7 million comparisons.
  const keys = items.map((item) => bytesKey(textOf(item)));
  const order = Uint32Array.from(keys.keys()).sort((a, b) => compare(keys[a] ?? "", keys[b] ?? ""));
  return Array.from(order, (index) => items[index] as T);
}

/** Sorts the largest first. Sorts equal amounts as {@link byText} does. */
function byMost<T>(items: readonly T[], amountOf: (item: T) => bigint, textOf: (item: T) => string): T[] {
  const keyed = items.map((item) => {
    const exact = amountOf(item);
    return { item, exact, about: Number(exact), key: bytesKey(textOf(item)) };
  });
  // Compares bigints only if the numbers are equal: comparing numbers takes a tenth of the time.
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

/** Returns a key whose order by `<` is the byte order of the text. */
export function bytesKey(text: string): string {
  return ASCII.test(text) ? text : pathBytes(text).toString("latin1");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
