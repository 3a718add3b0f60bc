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
 * Longest accepted record; honest ones (arguments, name and link of 4 KiB each) are far shorter.
 */
const MAX_RECORD = MAX_PACKET;
/** Longest name of any file system: FUSE allows 1024 bytes, others 255. */
const MAX_NAME = 1024;

/**
 * Decodes the records of a LIST or PROCESSES pipe. Call {@link RecordDecoder.end} at end of file.
 * Memory is bounded by one record whatever the agent sends.
 */
export class RecordDecoder {
  #rest: Uint8Array = new Uint8Array(0);
  #records = 0n;
  #trailer: { error: number } | undefined;
  #textBytes = 0;

  /** @throws PortholeError SESSION for malformed records */
  push(chunk: Uint8Array): PipeRecord[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const records: PipeRecord[] = [];
    let position = 0;
    while (bytes.length - position >= RecordAt.size) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + position).getUint32(RecordAt.length, true);
      if (length < RecordAt.size || length > MAX_RECORD) throw violation(`a record of ${length} bytes`);
      if (bytes.length - position < length) break;
      const record = this.#decode(bytes.subarray(position, position + length));
      if (record !== undefined) records.push(record);
      position += length;
    }
    // Copied: the caller may reuse its buffer.
    this.#rest = Uint8Array.from(bytes.subarray(position));
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

  #decode(record: Uint8Array): PipeRecord | undefined {
    if (this.#trailer !== undefined) throw violation("a record after the trailer");
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    const kind = view.getUint16(RecordAt.kind, true);
    if (view.getUint16(RecordAt.flags, true) > 1) throw violation("a record with unknown flags");
    if (kind === RecordKind.trailer) {
      if (record.length !== TrailerAt.size) throw violation(`a trailer of ${record.length} bytes`);
      if (view.getBigUint64(TrailerAt.records, true) !== this.#records) throw violation("a trailer with a wrong count");
      this.#trailer = { error: errno(view, TrailerAt.error) };
      return undefined;
    }
    this.#records++;
    const decoded = decode(kind, record, view);
    this.#textBytes += textOf(decoded);
    return decoded;
  }
}

function decode(kind: number, record: Uint8Array, view: DataView): PipeRecord {
  if (kind === RecordKind.entry) return entry(record, view);
  if (kind === RecordKind.process) return process(record, view);
  if (kind === RecordKind.file) return processFile(record, view);
  if (kind === RecordKind.mapping) return mapping(record, view);
  throw violation(`a record of kind ${kind}`);
}

function textOf(record: PipeRecord): number {
  if (record.kind === "entry") return record.name.length + (record.link?.length ?? 0);
  return "link" in record ? record.link.length : record.command.length + record.arguments.length;
}

function entry(record: Uint8Array, view: DataView): EntryRecord {
  atLeast(record, EntryAt.size);
  const withStat = view.getUint16(RecordAt.flags, true) === 1;
  const nameAt = EntryAt.size + (withStat ? FileStatAt.size : 0);
  const nameLength = view.getUint16(EntryAt.nameLength, true);
  const linkLength = view.getUint16(EntryAt.linkLength, true);
  exactly(record, nameAt + nameLength + linkLength);
  const name = copy(record, nameAt, nameLength);
  if (nameLength === 0 || nameLength > MAX_NAME || name.includes(0) || name.includes(0x2f))
    throw violation("an invalid file name");
  // `.` or `..` would make a tree walk endless.
  if (name[0] === DOT && (nameLength === 1 || (nameLength === 2 && name[1] === DOT)))
    throw violation("a directory entry . or ..");
  return {
    kind: "entry",
    name,
    type: view.getUint8(EntryAt.type),
    error: errno(view, EntryAt.error),
    stat: withStat ? statAt(view, EntryAt.size) : undefined,
    link: linkLength > 0 ? copy(record, nameAt + nameLength, linkLength) : undefined,
  };
}

function process(record: Uint8Array, view: DataView): ProcessRecord {
  atLeast(record, ProcessAt.size);
  const commandLength = view.getUint16(ProcessAt.commandLength, true);
  const argumentsLength = view.getUint16(ProcessAt.argumentsLength, true);
  exactly(record, ProcessAt.size + commandLength + argumentsLength);
  return {
    kind: "process",
    pid: view.getUint32(ProcessAt.pid, true),
    parent: view.getUint32(ProcessAt.parent, true),
    uid: view.getUint32(ProcessAt.uid, true),
    error: errno(view, ProcessAt.error),
    start: view.getBigUint64(ProcessAt.start, true),
    command: copy(record, ProcessAt.size, commandLength),
    arguments: copy(record, ProcessAt.size + commandLength, argumentsLength),
  };
}

function processFile(record: Uint8Array, view: DataView): ProcessFileRecord {
  atLeast(record, ProcessFileAt.size);
  const linkLength = view.getUint16(ProcessFileAt.linkLength, true);
  exactly(record, ProcessFileAt.size + linkLength);
  return {
    kind: "file",
    fd: view.getUint32(ProcessFileAt.fd, true),
    flags: view.getUint32(ProcessFileAt.access, true),
    position: view.getBigUint64(ProcessFileAt.position, true),
    stat: statAt(view, ProcessFileAt.stat),
    link: copy(record, ProcessFileAt.size, linkLength),
  };
}

function mapping(record: Uint8Array, view: DataView): MappingRecord {
  atLeast(record, MappingAt.size);
  const linkLength = view.getUint16(MappingAt.linkLength, true);
  exactly(record, MappingAt.size + linkLength);
  return {
    kind: "mapping",
    access: view.getUint32(MappingAt.access, true),
    device: {
      major: view.getUint32(MappingAt.deviceMajor, true),
      minor: view.getUint32(MappingAt.deviceMinor, true),
    },
    inode: view.getBigUint64(MappingAt.inode, true),
    bytes: view.getBigUint64(MappingAt.bytes, true),
    link: copy(record, MappingAt.size, linkLength),
  };
}

function errno(view: DataView, at: number): number {
  const value = view.getInt32(at, true);
  if (value < 0 || value > 4095) throw violation(`errno ${value}`);
  return value;
}

/**
 * Not slice(): on a Buffer it returns a view of the reader's memory, which the next read
 * overwrites.
 */
function copy(record: Uint8Array, start: number, length: number): Uint8Array {
  return new Uint8Array(record.subarray(start, start + length));
}

function atLeast(record: Uint8Array, size: number): void {
  if (record.length < size) throw violation(`a record of ${record.length} bytes instead of at least ${size}`);
}

function exactly(record: Uint8Array, size: number): void {
  if (record.length !== size) throw violation(`a record of ${record.length} bytes whose fields need ${size}`);
}
