import fc from "fast-check";
import { expect, test } from "vitest";
import { Entries } from "../../cli/ls/entries.ts";
import { sortItems } from "../../cli/ls/order.ts";
import type { FileStat } from "../../src/protocol/index.ts";
import { pathText } from "../../src/target.ts";

const directory = { target: "t:/d", path: "/d", users: undefined, groups: undefined };

const stat = fc.record({
  ...{ mode: fc.nat(), links: fc.nat(), uid: fc.nat(), gid: fc.nat(), relayed: fc.boolean() },
  ...{
    size: fc.bigInt(0n, 2n ** 64n - 1n),
    blocks: fc.bigInt(0n, 2n ** 64n - 1n),
    inode: fc.bigInt(0n, 2n ** 64n - 1n),
  },
  ...{ device: fc.record({ major: fc.nat(), minor: fc.nat() }), rdev: fc.record({ major: fc.nat(), minor: fc.nat() }) },
  mountId: fc.bigInt(0n, 2n ** 64n - 1n),
  ...Object.fromEntries(
    ["atime", "mtime", "ctime"].map((name) => [
      name,
      fc.bigInt(-(2n ** 63n) * 1_000_000_000n, 2n ** 63n * 1_000_000_000n),
    ]),
  ),
  btime: fc.option(fc.bigInt(-(2n ** 63n) * 1_000_000_000n, 2n ** 63n * 1_000_000_000n), { nil: undefined }),
}) as fc.Arbitrary<FileStat>;

/** Names of few letters, which share prefixes and repeat, and names of arbitrary bytes. */
const name = fc.oneof(
  fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 8 }).map((letters) => letters.join("")),
  fc.integer({ min: 1, max: 900 }).map((length) => "long".repeat(length).slice(0, length)),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map(pathText),
);
const entry = fc.record({
  name,
  type: fc.constantFrom(0, 4, 8, 10),
  stat: fc.option(stat, { nil: undefined }),
  link: fc.option(fc.oneof(fc.constant(""), name), { nil: undefined }),
});

test("packed entries keep their values and are sorted like unpacked entries", () => {
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 80 }),
      fc.record({ t: fc.boolean(), S: fc.boolean(), reverse: fc.boolean() }),
      (all, options) => {
        const entries = new Entries(directory);
        entries.add({ name: "of another directory", type: 4, stat: undefined, link: "x" });
        entries.clear(directory);
        for (const one of all) entries.add(one);
        entries.sort(options);
        const items = all.map((one) => ({
          ...{ name: one.name, target: `t:/d/${one.name}`, path: `/d/${one.name}`, type: one.type, link: one.link },
          ...{ linkMode: undefined, total: undefined, users: undefined, groups: undefined },
          stat: one.stat && values(one.stat),
        }));
        const plain = [...entries].map((item) => ({
          ...{ name: item.name, target: item.target, path: item.path, type: item.type, link: item.link },
          ...{ linkMode: item.linkMode, total: item.total, users: item.users, groups: item.groups },
          stat: item.stat && values(item.stat),
        }));
        // Entries with the same name and amount may be in any order.
        const key = (item: { name: string; stat: FileStat | undefined }) =>
          [item.name, options.S ? (item.stat?.size ?? 0n) : options.t ? (item.stat?.mtime ?? 0n) : 0n].join();
        expect(plain.map(key)).toEqual(sortItems(items, options).map(key));
        const text = (value: unknown) => JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${one}n` : one));
        const sorted = (list: object[]) => list.map(text).sort();
        expect(sorted(plain)).toEqual(sorted(items));
      },
    ),
    { numRuns: 300 },
  );
});

/** Returns the values of a stat in a fixed order, without accessors. */
function values(stat: FileStat): FileStat {
  const { mode, links, uid, gid, relayed, size, blocks, inode } = stat;
  const { device, rdev, mountId, atime, mtime, ctime, btime } = stat;
  return { mode, links, uid, gid, relayed, size, blocks, inode, device, rdev, mountId, atime, mtime, ctime, btime };
}
