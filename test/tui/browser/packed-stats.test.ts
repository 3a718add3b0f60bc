import fc from "fast-check";
import { expect, test } from "vitest";
import { PackedStats } from "../../../cli/tui/browser/packed-stats.ts";
import type { FileStat } from "../../../src/protocol/index.ts";

const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const device = fc.record({ major: number, minor: number });
const unsigned = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
/** Seconds of 64 bits with a sign, and nanoseconds. */
const time = fc
  .tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 999_999_999n }))
  .map(([seconds, nanoseconds]) => seconds * 1_000_000_000n + nanoseconds);
const stat: fc.Arbitrary<FileStat> = fc.record({
  ...{ mode: number, links: number, uid: number, gid: number, device, rdev: device, relayed: fc.boolean() },
  ...{ size: unsigned, blocks: unsigned, inode: unsigned, mountId: unsigned },
  ...{ atime: time, mtime: time, ctime: time, btime: fc.option(time, { nil: undefined }) },
});

/** Reads every field. */
function fields(of: FileStat | undefined): FileStat | undefined {
  if (of === undefined) return undefined;
  const { mode, links, uid, gid, size, blocks, inode, device, rdev, mountId, atime, mtime, ctime, btime, relayed } = of;
  return { mode, links, uid, gid, size, blocks, inode, device, rdev, mountId, atime, mtime, ctime, btime, relayed };
}

test("packed stats are those that were added, and unknown ones stay unknown", () => {
  fc.assert(
    fc.property(fc.array(fc.option(stat, { nil: undefined }), { maxLength: 5 }), fc.nat(1030), (added, unknown) => {
      const packed = new PackedStats();
      for (let index = 0; index < unknown; index++) packed.add(undefined);
      for (const each of added) packed.add(each);
      expect(added.map((_, index) => fields(packed.at(unknown + index)))).toEqual(added);
      expect(packed.at(unknown + added.length)).toBeUndefined();
      if (unknown > 0) expect(packed.at(unknown - 1)).toBeUndefined();
    }),
  );
});
