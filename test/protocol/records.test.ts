import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  EntryAt,
  FileStatAt,
  MAX_PACKET,
  MappingAt,
  ProcessAt,
  ProcessFileAt,
  RecordAt,
  RecordKind,
  TrailerAt,
} from "../../src/protocol/messages.ts";
import { type PipeRecord, RecordDecoder } from "../../src/protocol/records.ts";
import { entry, fileOf, mappingOf, processOf, record, trailer } from "./record-bytes.ts";
import { fileStat } from "./samples.ts";

function decode(...chunks: Uint8Array[]): { records: PipeRecord[]; error: number } {
  const decoder = new RecordDecoder();
  return { records: chunks.flatMap((chunk) => decoder.push(chunk)), error: decoder.end() };
}

const name = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte)))
  .filter((bytes) => !/^\.\.?$/.test(Buffer.from(bytes).toString("latin1")));

describe("a list", () => {
  test("is decoded as it was encoded for any chunks of the pipe, and keeps no reference to the reader's buffer", () => {
    const entries = fc.array(fc.record({ name, link: fc.uint8Array({ maxLength: 300 }), stat: fc.boolean() }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 400 }), (list, size) => {
        const bytes = Buffer.concat([
          ...list.map((one) =>
            entry(one.name, { link: Buffer.from(one.link), stat: one.stat ? fileStat({ inode: 9n }) : undefined }),
          ),
          trailer(list.length),
        ]);
        const decoder = new RecordDecoder();
        const buffer = Buffer.alloc(size);
        const records: PipeRecord[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          const length = bytes.copy(buffer, 0, at, at + size);
          records.push(...decoder.push(buffer.subarray(0, length)));
          buffer.fill(0xff);
        }
        expect(decoder.end()).toBe(0);
        expect(records).toEqual(
          list.map((one) => ({
            ...{ kind: "entry", name: one.name, type: 8, error: 0 },
            stat: one.stat ? expect.objectContaining({ inode: 9n }) : undefined,
            link: one.link.length > 0 ? one.link : undefined,
          })),
        );
      }),
    );
  });

  test("of processes and their files has every field at its own offset", () => {
    const { records } = decode(
      processOf(Buffer.from("sh"), Buffer.from("sh\0-c\0")),
      fileOf(Buffer.from("/tmp/x (deleted)")),
      mappingOf(Buffer.from("/tmp/y (deleted)")),
      processOf(Buffer.of(), Buffer.of(), 13),
      trailer(4),
    );
    expect(records).toEqual([
      {
        ...{ kind: "process", pid: 7, parent: 1, uid: 1000, error: 0, start: 2n ** 40n },
        ...{ command: new Uint8Array(Buffer.from("sh")), arguments: new Uint8Array(Buffer.from("sh\0-c\0")) },
      },
      {
        ...{
          kind: "file",
          fd: 3,
          flags: 0o100002,
          position: 99n,
          link: new Uint8Array(Buffer.from("/tmp/x (deleted)")),
        },
        stat: expect.objectContaining({ mode: 0o100600, inode: 5n }),
      },
      {
        ...{ kind: "mapping", access: 2, device: { major: 8, minor: 1 }, inode: 2n ** 40n, bytes: 2n ** 41n },
        link: new Uint8Array(Buffer.from("/tmp/y (deleted)")),
      },
      expect.objectContaining({ kind: "process", error: 13 }),
    ]);
  });

  test("reports the errno with which the agent stopped", () => {
    expect(decode(entry(Buffer.from("a")), trailer(1, 5))).toMatchObject({ records: [{ kind: "entry" }], error: 5 });
  });

  test("truncated at any byte is not complete", () => {
    const bytes = Buffer.concat([entry(Buffer.from("a")), fileOf(Buffer.from("/x")), trailer(2)]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).toThrow("a truncated list");
    }
    expect(decode(bytes).records).toHaveLength(2);
  });

  test("ends at its trailer", () => {
    expect(() => decode(trailer(0), trailer(0))).toThrow("a record after the trailer");
    expect(() => decode(trailer(0), entry(Buffer.from("a")))).toThrow("a record after the trailer");
    expect(() => decode(trailer(0), Buffer.of(1))).toThrow("a truncated list");
  });
});

describe("a malformed list is refused:", () => {
  const patched = (bytes: Buffer, patch: (bytes: Buffer) => void): Buffer => {
    patch(bytes);
    return bytes;
  };
  const length = (bytes: Buffer, value: number) => patched(bytes, (b) => b.writeUInt32LE(value, RecordAt.length));
  const short = (kind: number, size: number) => record(kind, size, () => {});

  test.each<[string, Buffer, RegExp]>([
    ["a record shorter than its own head", length(Buffer.alloc(8), 7), /a record of 7 bytes/],
    ["a record of length 0", length(Buffer.alloc(8), 0), /a record of 0 bytes/],
    ["a record longer than a packet", length(Buffer.alloc(8), MAX_PACKET + 1), /a record of 65537 bytes/],
    ["a record of 4 GiB", length(Buffer.alloc(8), 0xffff_ffff), /a record of 4294967295 bytes/],
    ["an unknown kind", short(5, 8), /a record of kind 5/],
    ["unknown flags", record(RecordKind.entry, EntryAt.size, () => {}, [], 2), /unknown flags/],
    ["an entry without its fields", short(RecordKind.entry, EntryAt.size - 1), /19 bytes instead of at least 20/],
    ["a process without its fields", short(RecordKind.process, ProcessAt.size - 1), /39 bytes instead of at least 40/],
    ["a file without its fields", short(RecordKind.file, ProcessFileAt.size - 1), /145 bytes instead of at least 146/],
    ["a mapping without its fields", short(RecordKind.mapping, MappingAt.size - 1), /37 bytes instead of at least 38/],
    ["a trailer that is too long", short(RecordKind.trailer, TrailerAt.size + 1), /a trailer of 21 bytes/],
    ["a trailer that is too short", short(RecordKind.trailer, TrailerAt.size - 1), /a trailer of 19 bytes/],
    ["a trailer with another count", trailer(1), /a trailer with a wrong count/],
    ["a trailer with a negative errno", trailer(0, -1), /errno -1/],
    ["a trailer with a huge errno", trailer(0, 4096), /errno 4096/],
    ["an entry with a huge errno", entry(Buffer.from("a"), { error: 4096 }), /errno 4096/],
    ["a process with a negative errno", processOf(Buffer.of(), Buffer.of(), -5), /errno -5/],
    ["a name of no bytes", entry(Buffer.of()), /an invalid file name/],
    ["a name of 1025 bytes", entry(Buffer.alloc(1025, "n")), /an invalid file name/],
    ["a name with a slash", entry(Buffer.from("../etc")), /an invalid file name/],
    ["a name with NUL", entry(Buffer.from("a\0")), /an invalid file name/],
    [
      "a name that reaches beyond its record",
      patched(entry(Buffer.from("a")), (b) => b.writeUInt16LE(2, EntryAt.nameLength)),
      /21 bytes whose fields need 22/,
    ],
    [
      "a link that reaches beyond its record",
      patched(entry(Buffer.from("a")), (b) => b.writeUInt16LE(65_535, EntryAt.linkLength)),
      /fields need 65556/,
    ],
    [
      "bytes behind the name",
      length(Buffer.concat([entry(Buffer.from("a")), Buffer.of(0)]), EntryAt.size + 2),
      /22 bytes whose fields need 21/,
    ],
    [
      "an entry whose stat is missing",
      patched(entry(Buffer.from("a")), (b) => b.writeUInt16LE(1, RecordAt.flags)),
      /fields need 141/,
    ],
    ["a stat with unknown flags", entry(Buffer.from("a"), { stat: fileStat({ flags: 8 }) }), /unknown file flags 0x8/],
    [
      "arguments that reach beyond their record",
      patched(processOf(Buffer.of(), Buffer.of()), (b) => b.writeUInt16LE(1, ProcessAt.argumentsLength)),
      /40 bytes whose fields need 41/,
    ],
    [
      "a file's link that reaches beyond its record",
      patched(fileOf(Buffer.of()), (b) => b.writeUInt16LE(1, ProcessFileAt.linkLength)),
      /146 bytes whose fields need 147/,
    ],
    [
      "a mapping's link that reaches beyond its record",
      patched(mappingOf(Buffer.of()), (b) => b.writeUInt16LE(1, MappingAt.linkLength)),
      /38 bytes whose fields need 39/,
    ],
  ])("%s", (_, bytes, complaint) => {
    expect(() => new RecordDecoder().push(bytes)).toThrow(complaint);
    expect(() => new RecordDecoder().push(bytes)).toThrow(expect.objectContaining({ code: "SESSION" }));
  });

  test("an announced but missing part is bounded by one record", () => {
    const decoder = new RecordDecoder();
    const head = length(Buffer.alloc(8), MAX_PACKET);
    expect(decoder.push(head)).toEqual([]);
    // The record is complete at its announced length, and is checked at that length.
    expect(() => decoder.push(Buffer.alloc(MAX_PACKET - 8))).toThrow("a record of kind 0");
  });

  test("the largest record is accepted", () => {
    const stat = fileStat({});
    const most = 4095;
    const { records } = decode(entry(Buffer.alloc(255, "n"), { stat, link: Buffer.alloc(most, "l") }), trailer(1));
    expect(records).toMatchObject([{ link: { length: most } }]);
    expect(stat).toHaveLength(FileStatAt.size);
  });
});
