import { expect, it, vi } from "vitest";
import { NameOrder, nameRanks } from "../../../cli/tui/browser/name-order.ts";
import { naturalKey } from "../../../cli/tui/browser/natural-order.ts";

const named = (name: string) => ({ entry: { name } });

/** Unsorted names, some of them equal, from a linear congruential generator. */
function shuffled(count: number): { entry: { name: string } }[] {
  let seed = 1;
  return Array.from({ length: count }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return named(`${["app", "b", "é"][seed % 3]}-${seed % 9_000}.log`);
  });
}

function ranksByOneSort(items: readonly { entry: { name: string } }[]): number[] {
  const keys = items.map(({ entry }) => Buffer.from(naturalKey(entry.name)));
  const order = [...keys.keys()].sort((a, b) => Buffer.compare(keys[a] as Buffer, keys[b] as Buffer));
  const ranks: number[] = [];
  order.forEach((index, rank) => {
    ranks[index] = rank;
  });
  return ranks;
}

it("ranks names like one stable sort, even between two additions", () => {
  const items = shuffled(11_000);
  const order = new NameOrder();
  items.forEach((item, index) => {
    order.add(item);
    const count = index + 1;
    if (![1, 1_999, 2_000, 2_001, 7_777, items.length].includes(count)) return;
    const some = items.slice(0, count);
    expect([...order.rank(some)]).toEqual(ranksByOneSort(some));
    expect(nameRanks(some)).toBe(nameRanks(some));
  });
  expect([...nameRanks(shuffled(5_000))]).toEqual(ranksByOneSort(shuffled(5_000)));
  expect([...nameRanks([])]).toEqual([]);
});

it("sorts at most 2,000 names at once", () => {
  const sorts = vi.spyOn(Uint32Array.prototype, "sort");
  const items = shuffled(50_000);
  const order = new NameOrder();
  for (const item of items) order.add(item);
  order.rank(items);
  const lengths = sorts.mock.contexts.map((array) => (array as Uint32Array).length);
  sorts.mockRestore();
  expect(lengths.length).toBeGreaterThanOrEqual(25);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(2_000);
});
