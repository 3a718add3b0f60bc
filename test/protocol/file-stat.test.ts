import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeFileClaim, decodeFileStat } from "../../src/protocol/file-stat.ts";
import { FileStatAt, StatFlag } from "../../src/protocol/messages.ts";
import { fileStat } from "./samples.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });

describe("file stat", () => {
  test("has every field at its own offset", () => {
    const time = fc.record({
      seconds: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      ns: fc.integer({ min: 0, max: 999_999_999 }),
    });
    const device = fc.record({ major: u32, minor: u32 });
    const stat = fc.record({
      ...{ mode: u32, links: u32, uid: u32, gid: u32, size: u64, blocks: u64, inode: u64, device, rdev: device },
      ...{ mountId: u64, atime: time, mtime: time, ctime: time, btime: fc.option(time), relayed: fc.boolean() },
    });
    fc.assert(
      fc.property(stat, fc.nat({ max: 5 }), (one, before) => {
        const bytes = Buffer.alloc(before + FileStatAt.size, 0);
        const view = new DataView(bytes.buffer, bytes.byteOffset + before);
        const word = (at: number, value: number) => view.setUint32(at, value, true);
        const long = (at: number, value: bigint) => view.setBigUint64(at, BigInt.asUintN(64, value), true);
        const moment = (at: number, ns: number, value: { seconds: bigint; ns: number }) => {
          long(at, value.seconds);
          word(ns, value.ns);
        };
        const at = FileStatAt;
        for (const name of ["mode", "links", "uid", "gid"] as const) word(at[name], one[name]);
        for (const name of ["blocks", "inode", "mountId"] as const) long(at[name], one[name]);
        long(at.bytes, one.size);
        word(at.deviceMajor, one.device.major);
        word(at.deviceMinor, one.device.minor);
        word(at.rdevMajor, one.rdev.major);
        word(at.rdevMinor, one.rdev.minor);
        moment(at.atime, at.atimeNs, one.atime);
        moment(at.mtime, at.mtimeNs, one.mtime);
        moment(at.ctime, at.ctimeNs, one.ctime);
        if (one.btime) moment(at.btime, at.btimeNs, one.btime);
        word(at.flags, (one.relayed ? StatFlag.relayed : 0) | (one.btime ? StatFlag.birthTime : 0));
        const ns = (value: { seconds: bigint; ns: number }) => value.seconds * 1_000_000_000n + BigInt(value.ns);
        expect(decodeFileStat(bytes, before)).toEqual({
          ...one,
          ...{ atime: ns(one.atime), mtime: ns(one.mtime), ctime: ns(one.ctime) },
          btime: one.btime ? ns(one.btime) : undefined,
        });
        expect(decodeFileClaim(bytes.subarray(before))).toEqual({
          ...{ mode: one.mode, inode: one.inode, relayed: one.relayed, consuming: false },
          ...{ rdevMajor: one.rdev.major, rdevMinor: one.rdev.minor },
        });
      }),
    );
  });

  test.each([FileStatAt.flags, FileStatAt.flags + 3, FileStatAt.zero, FileStatAt.zero + 3])(
    "with an unknown bit in byte %i is refused",
    (at) => {
      const bytes = fileStat({});
      bytes[at] = 0x80;
      expect(() => decodeFileStat(bytes)).toThrow("unknown file flags");
      expect(() => decodeFileClaim(bytes)).toThrow("unknown file flags");
    },
  );
});
