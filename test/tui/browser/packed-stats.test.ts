import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PackedStats } from "../../../cli/tui/browser/files/packed-stats.ts";
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

test("packed stats are those that were set, and unknown ones stay unknown", () => {
  const some = fc.array(fc.option(stat, { nil: undefined }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(some, some, fc.nat(1030), (first, second, before) => {
      const packed = new PackedStats();
      for (let index = 0; index < before; index++) packed.set(index, undefined);
      for (const round of [first, second]) {
        const changes = round.map((each, index) => {
          const old = fields(packed.at(before + index));
          const isChanged = packed.set(before + index, each);
          return [isChanged, !isDeepStrictEqual(old, each)];
        });
        for (const [isChanged, isDifferent] of changes) expect(isChanged).toBe(isDifferent);
        expect(round.map((_, index) => fields(packed.at(before + index)))).toEqual(round);
        for (const [index, each] of round.entries()) expect(packed.set(before + index, each)).toBe(false);
      }
      expect(packed.at(before + 3)).toBeUndefined();
      if (before > 0) expect(packed.at(before - 1)).toBeUndefined();
    }),
  );
});
