import {
  EntryAt,
  MappingAt,
  ProcessAt,
  ProcessFileAt,
  RecordAt,
  RecordKind,
  TrailerAt,
} from "../../src/protocol/messages.ts";
import { fileStat } from "./samples.ts";

// Encodes records like an agent. The host only decodes them, so only tests need the encoder.

/**
 * Encodes a record with `fixed` bytes, whose nonzero fields `fill` writes, and the variable parts
 * after them.
 */
export function record(
  kind: number,
  fixed: number,
  fill: (bytes: Buffer) => void,
  parts: Uint8Array[] = [],
  flags = 0,
): Buffer {
  const head = Buffer.alloc(fixed);
  head.writeUInt32LE(fixed + Buffer.concat(parts).length, RecordAt.length);
  head.writeUInt16LE(kind, RecordAt.kind);
  head.writeUInt16LE(flags, RecordAt.flags);
  fill(head);
  return Buffer.concat([head, ...parts]);
}

export function entry(
  name: Uint8Array,
  { link = Buffer.of(), stat = undefined as Buffer | undefined, error = 0, type = 8 } = {},
) {
  return record(
    RecordKind.entry,
    EntryAt.size,
    (head) => {
      head.writeInt32LE(error, EntryAt.error);
      head.writeUInt8(type, EntryAt.type);
      head.writeUInt16LE(name.length, EntryAt.nameLength);
      head.writeUInt16LE(link.length, EntryAt.linkLength);
    },
    [...(stat ? [stat] : []), name, link],
    stat ? 1 : 0,
  );
}

export function processOf(command: Uint8Array, args: Uint8Array, error = 0, { pid = 7, parent = 1 } = {}) {
  return record(
    RecordKind.process,
    ProcessAt.size,
    (head) => {
      head.writeUInt32LE(pid, ProcessAt.pid);
      head.writeUInt32LE(parent, ProcessAt.parent);
      head.writeUInt32LE(1000, ProcessAt.uid);
      head.writeInt32LE(error, ProcessAt.error);
      head.writeBigUInt64LE(2n ** 40n, ProcessAt.start);
      head.writeUInt16LE(command.length, ProcessAt.commandLength);
      head.writeUInt16LE(args.length, ProcessAt.argumentsLength);
    },
    [command, args],
  );
}

export function fileOf(link: Uint8Array) {
  return record(
    RecordKind.file,
    ProcessFileAt.size,
    (head) => {
      head.writeUInt32LE(3, ProcessFileAt.fd);
      head.writeUInt32LE(0o100002, ProcessFileAt.access);
      head.writeBigUInt64LE(99n, ProcessFileAt.position);
      fileStat({ mode: 0o100600, inode: 5n }).copy(head, ProcessFileAt.stat);
      head.writeUInt16LE(link.length, ProcessFileAt.linkLength);
    },
    [link],
  );
}

export function mappingOf(link: Uint8Array) {
  return record(
    RecordKind.mapping,
    MappingAt.size,
    (head) => {
      head.writeUInt32LE(2, MappingAt.access);
      head.writeUInt32LE(8, MappingAt.deviceMajor);
      head.writeUInt32LE(1, MappingAt.deviceMinor);
      head.writeBigUInt64LE(2n ** 40n, MappingAt.inode);
      head.writeBigUInt64LE(2n ** 41n, MappingAt.bytes);
      head.writeUInt16LE(link.length, MappingAt.linkLength);
    },
    [link],
  );
}

export function trailer(records: number | bigint, error = 0) {
  return record(RecordKind.trailer, TrailerAt.size, (head) => {
    head.writeInt32LE(error, TrailerAt.error);
    head.writeBigUInt64LE(BigInt(records), TrailerAt.records);
  });
}
