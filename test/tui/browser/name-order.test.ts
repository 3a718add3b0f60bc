import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { NameOrder } from "../../../cli/tui/browser/files/name-order.ts";
import { PackedNames } from "../../../cli/tui/browser/files/packed-names.ts";
import { naturalKey } from "../../../cli/tui/lists/natural-order.ts";
import { pathBytes } from "../../../src/target.ts";

/** Unsorted names, some of them equal, from a linear congruential generator. */
function shuffled(count: number): string[] {
  let seed = 1;
  return Array.from({ length: count }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return `${["app", "b", "é"][seed % 3]}-${seed % 9_000}.log`;
  });
}

function add(names: PackedNames, name: string): number {
  names.stage(name);
  return names.keep();
}

function byOneSort(items: readonly string[]): number[] {
  const keys = items.map((name) => pathBytes(naturalKey(name)));
  return [...keys.keys()].sort((a, b) => Buffer.compare(keys[a] as Buffer, keys[b] as Buffer));
}

it("orders names like one stable sort, even between two additions", () => {
  const items = shuffled(11_000);
  const names = new PackedNames();
  const order = new NameOrder((a, b) => names.compare(a, b));
  items.forEach((item, index) => {
    add(names, item);
    order.add();
    const count = index + 1;
    if (![1, 1_999, 2_000, 2_001, 7_777, items.length].includes(count)) return;
    expect([...order.sorted()]).toEqual(byOneSort(items.slice(0, count)));
  });
  expect([...new NameOrder(() => 0).sorted()]).toEqual([]);
});

it("compares packed names as their natural keys, and returns them unchanged", () => {
  const part = fc.constantFrom(
    "a",
    "b",
    "0",
    "00",
    "1",
    "9",
    "10",
    "123456789012",
    ".",
    "/",
    ":",
    "é",
    "\udcff",
    "😀",
    "-",
  );
  const name = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(name, { minLength: 2, maxLength: 6 }), fc.nat(70_000), (items, longer) => {
      const names = new PackedNames();
      // A name of this length may end a block.
      add(names, "x".repeat(longer % 65_536));
      const numbers = items.map((item) => add(names, item));
      expect(numbers.map((index) => names.at(index))).toEqual(items);
      items.forEach((a, i) => {
        items.forEach((b, j) => {
          const expected = Math.sign(Buffer.compare(pathBytes(naturalKey(a)), pathBytes(naturalKey(b))));
          expect(Math.sign(names.compare(numbers[i] as number, numbers[j] as number)), `${a} and ${b}`).toBe(expected);
          expect(names.isEqual(numbers[i] as number, numbers[j] as number)).toBe(a === b);
        });
      });
    }),
    { numRuns: 500 },
  );
});

it("replaces a staged name until it is kept", () => {
  const names = new PackedNames();
  names.stage("first");
  names.stage("other");
  expect([names.length, names.keep(), names.at(0)]).toEqual([0, 0, "other"]);
});

it("compares only a few names for each one that is added, and settles between keys", async () => {
  const names = new PackedNames();
  let compared = 0;
  const order = new NameOrder((a, b) => {
    compared++;
    return names.compare(a, b);
  });
  const items = shuffled(50_000);
  let most = 0;
  const during = (act: () => void) => {
    const before = compared;
    act();
    most = Math.max(most, compared - before);
  };
  for (const item of items) {
    add(names, item);
    during(() => order.add());
  }
  // A sort of 2,000 names compares some 20,000 times.
  expect(most).toBeLessThan(30_000);
  let isSettled = false;
  const settled = order.settle().then(() => {
    isSettled = true;
  });
  for (let before = compared; !isSettled; before = compared) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(compared - before).toBeLessThan(50_000);
  }
  await settled;
  during(() => expect([...order.sorted()]).toEqual(byOneSort(items)));
  most = 0;
  during(() => order.sorted());
  expect(most).toBe(0);
});

it("sorts at most 2,000 names at once", () => {
  const sorts = vi.spyOn(Uint32Array.prototype, "sort");
  const names = new PackedNames();
  const order = new NameOrder((a, b) => names.compare(a, b));
  for (const item of shuffled(50_000)) {
    add(names, item);
    order.add();
  }
  order.sorted();
  const lengths = sorts.mock.contexts.map((array) => (array as Uint32Array).length);
  sorts.mockRestore();
  expect(lengths.length).toBeGreaterThanOrEqual(25);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(2_000);
});
