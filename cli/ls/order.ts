import { compareNames } from "../../src/listing.ts";
import type { Item } from "./item.ts";

/** Items in the order that `ls` shows them: by name, or newest or largest first and by name among equals. */
export function order(items: readonly Item[], options: { t?: boolean; S?: boolean; reverse?: boolean }): Item[] {
  const key = options.S ? sizeOf : options.t ? (item: Item) => item.facts?.mtime ?? 0n : undefined;
  const sorted = [...items].sort((a, b) => {
    const [x, y] = key === undefined ? [0n, 0n] : [key(a), key(b)];
    return x === y ? compareNames(a.name, b.name) : x > y ? -1 : 1;
  });
  return options.reverse ? sorted.reverse() : sorted;
}

function sizeOf({ total, facts }: Item): bigint {
  return total ?? facts?.size ?? 0n;
}
