import { type FileStat, statAt } from "./file-stat.ts";
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
} from "./messages.ts";
import { violation } from "./violation.ts";

/** A directory entry. Names and link targets are raw bytes and may not be UTF-8. */
export interface EntryRecord {
  kind: "entry";
  name: Uint8Array;
  /** `d_type` of getdents64(2); 0 if the file system does not report it. */
  type: number;
  /** errno of the entry's stat, 0 for none. */
  error: number;
  stat: FileStat | undefined;
  /** Target of a symbolic link, if stat was requested. */
  link: Uint8Array | undefined;
}

/** A process of the target. `pid` is its number inside the target. */
export interface ProcessRecord {
  kind: "process";
  pid: number;
  parent: number;
  uid: number;
  /** errno of listing its open files, 0 for none. */
  error: number;
  /** Start time in clock ticks since boot. */
  start: bigint;
  command: Uint8Array;
  /** NUL-separated, at most 4096 bytes. */
  arguments: Uint8Array;
}

/** An open file of the preceding process record. */
export interface ProcessFileRecord {
  kind: "file";
  fd: number;
  /** `flags` in /proc/PID/fdinfo: access mode and open flags. */
  flags: number;
  position: bigint;
  stat: FileStat;
  link: Uint8Array;
}

/** A deleted file that the preceding process maps into memory, with or without a descriptor. */
export interface MappingRecord {
  kind: "mapping";
  /** Access mode as in open(2): O_RDWR if the process can write into the file through memory. */
  access: number;
  /** As in /proc/PID/maps; on overlayfs and btrfs it can differ from statx(2). */
  device: { major: number; minor: number };
  inode: bigint;
  /** From the start of the file to the end of its last mapping, in whole pages. */
  bytes: bigint;
  link: Uint8Array;
}

/** The records of a reply to PROCESSES. */
export type ProcessesRecord = ProcessRecord | ProcessFileRecord | MappingRecord;

export type PipeRecord = EntryRecord | ProcessesRecord;

const DOT = 0x2e;

/**
 * Maximum length of a record. Honest records (arguments, name and link of 4 KiB each) are far
 * shorter.
 */
const MAX_RECORD = MAX_PACKET;
/** Maximum length of a name in any file system: FUSE allows 1024 bytes, others 255. */
const MAX_NAME = 1024;

/** Position of a record. A view per record would take longer than decoding it. */
interface Encoded {
  bytes: Uint8Array;
  /** A view of all of `bytes`. */
  view: DataView;
  at: number;
  /** Length of the record. */
  length: number;
}

/**
 * Decodes the records of a LIST or PROCESSES pipe. Call {@link RecordDecoder.end} at end of file.
 * Whatever the agent sends, memory is bounded by one record.
 */
export class RecordDecoder {
  #rest: Uint8Array = new Uint8Array(0);
  #records = 0n;
  #trailer: { error: number } | undefined;
  #textBytes = 0;

  /** @throws PortholeError SESSION for malformed records */
  push(chunk: Uint8Array): PipeRecord[] {
    // One copy for all names of the chunk: the caller may reuse its buffer.
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    const encoded = { bytes, view: new DataView(bytes.buffer), at: 0, length: 0 };
    const records: PipeRecord[] = [];
    while (bytes.length - encoded.at >= RecordAt.size) {
      encoded.length = encoded.view.getUint32(encoded.at + RecordAt.length, true);
      if (encoded.length < RecordAt.size || encoded.length > MAX_RECORD)
        throw violation(`a record of ${encoded.length} bytes`);
      if (bytes.length - encoded.at < encoded.length) break;
      const record = this.#decode(encoded);
      if (record !== undefined) records.push(record);
      encoded.at += encoded.length;
    }
    this.#rest = bytes.subarray(encoded.at);
    return records;
  }

  /** Bytes of names, link targets, commands and arguments of all records so far. */
  get textBytes(): number {
    return this.#textBytes;
  }

  /** True after the trailer, which is the last record. */
  get isComplete(): boolean {
    return this.#trailer !== undefined && this.#rest.length === 0;
  }

  /**
   * Finishes the list.
   * @returns the errno with which the agent stopped, 0 for a complete list
   * @throws PortholeError SESSION when the pipe ended without a trailer
   */
  end(): number {
    if (this.#trailer === undefined || this.#rest.length > 0) throw violation("a truncated list");
    return this.#trailer.error;
  }

  #decode(record: Encoded): PipeRecord | undefined {
    if (this.#trailer !== undefined) throw violation("a record after the trailer");
    const { view, at } = record;
    const kind = view.getUint16(at + RecordAt.kind, true);
    if (view.getUint16(at + RecordAt.flags, true) > 1) throw violation("a record with unknown flags");
    if (kind === RecordKind.trailer) {
      if (record.length !== TrailerAt.size) throw violation(`a trailer of ${record.length} bytes`);
      if (view.getBigUint64(at + TrailerAt.records, true) !== this.#records)
        throw violation("a trailer with a wrong count");
      this.#trailer = { error: errno(view, at + TrailerAt.error) };
      return undefined;
    }
    this.#records++;
    const decoded = decode(kind, record);
    this.#textBytes += textOf(decoded);
    return decoded;
  }
}

function decode(kind: number, record: Encoded): PipeRecord {
  if (kind === RecordKind.entry) return entry(record);
  if (kind === RecordKind.process) return process(record);
  if (kind === RecordKind.file) return processFile(record);
  if (kind === RecordKind.mapping) return mapping(record);
  throw violation(`a record of kind ${kind}`);
}

function textOf(record: PipeRecord): number {
  if (record.kind === "entry") return record.name.length + (record.link?.length ?? 0);
  return "link" in record ? record.link.length : record.command.length + record.arguments.length;
}

function entry(record: Encoded): EntryRecord {
  const { view, at } = record;
  atLeast(record, EntryAt.size);
  const withStat = view.getUint16(at + RecordAt.flags, true) === 1;
  const nameAt = EntryAt.size + (withStat ? FileStatAt.size : 0);
  const nameLength = view.getUint16(at + EntryAt.nameLength, true);
  const linkLength = view.getUint16(at + EntryAt.linkLength, true);
  exactly(record, nameAt + nameLength + linkLength);
  const name = part(record, nameAt, nameLength);
  if (nameLength === 0 || nameLength > MAX_NAME || name.includes(0) || name.includes(0x2f))
    throw violation("an invalid file name");
  // `.` or `..` would make a tree walk endless.
  if (name[0] === DOT && (nameLength === 1 || (nameLength === 2 && name[1] === DOT)))
    throw violation("a directory entry . or ..");
  return {
    kind: "entry",
    name,
    type: view.getUint8(at + EntryAt.type),
    error: errno(view, at + EntryAt.error),
    stat: withStat ? statAt(view, at + EntryAt.size) : undefined,
    link: linkLength > 0 ? part(record, nameAt + nameLength, linkLength) : undefined,
  };
}

function process(record: Encoded): ProcessRecord {
  const { view, at } = record;
  atLeast(record, ProcessAt.size);
  const commandLength = view.getUint16(at + ProcessAt.commandLength, true);
  const argumentsLength = view.getUint16(at + ProcessAt.argumentsLength, true);
  exactly(record, ProcessAt.size + commandLength + argumentsLength);
  return {
    kind: "process",
    pid: view.getUint32(at + ProcessAt.pid, true),
    parent: view.getUint32(at + ProcessAt.parent, true),
    uid: view.getUint32(at + ProcessAt.uid, true),
    error: errno(view, at + ProcessAt.error),
    start: view.getBigUint64(at + ProcessAt.start, true),
    command: part(record, ProcessAt.size, commandLength),
    arguments: part(record, ProcessAt.size + commandLength, argumentsLength),
  };
}

function processFile(record: Encoded): ProcessFileRecord {
  const { view, at } = record;
  atLeast(record, ProcessFileAt.size);
  const linkLength = view.getUint16(at + ProcessFileAt.linkLength, true);
  exactly(record, ProcessFileAt.size + linkLength);
  return {
    kind: "file",
    fd: view.getUint32(at + ProcessFileAt.fd, true),
    flags: view.getUint32(at + ProcessFileAt.access, true),
    position: view.getBigUint64(at + ProcessFileAt.position, true),
    stat: statAt(view, at + ProcessFileAt.stat),
    link: part(record, ProcessFileAt.size, linkLength),
  };
}

function mapping(record: Encoded): MappingRecord {
  const { view, at } = record;
  atLeast(record, MappingAt.size);
  const linkLength = view.getUint16(at + MappingAt.linkLength, true);
  exactly(record, MappingAt.size + linkLength);
  return {
    kind: "mapping",
    access: view.getUint32(at + MappingAt.access, true),
    device: {
      major: view.getUint32(at + MappingAt.deviceMajor, true),
      minor: view.getUint32(at + MappingAt.deviceMinor, true),
    },
    inode: view.getBigUint64(at + MappingAt.inode, true),
    bytes: view.getBigUint64(at + MappingAt.bytes, true),
    link: part(record, MappingAt.size, linkLength),
  };
}

function errno(view: DataView, at: number): number {
  const value = view.getInt32(at, true);
  if (value < 0 || value > 4095) throw violation(`errno ${value}`);
  return value;
}

function part({ bytes, at }: Encoded, start: number, length: number): Uint8Array {
  return bytes.subarray(at + start, at + start + length);
}

function atLeast({ length }: Encoded, size: number): void {
  if (length < size) throw violation(`a record of ${length} bytes instead of at least ${size}`);
}

function exactly({ length }: Encoded, size: number): void {
  if (length !== size) throw violation(`a record of ${length} bytes whose fields need ${size}`);
}
