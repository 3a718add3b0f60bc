import { constants } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { pathText } from "../../target.ts";

/** A member of a tar archive. */
export interface TarEntry {
  /** The path in the archive. Lone surrogates represent bytes that are not UTF-8. */
  path: string;
  /** Type and permissions, as `st_mode` of stat(2). A hard link has the type of a regular file. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of content. */
  size: number;
  /** Nanoseconds. */
  mtime: bigint;
  /** Target of a symbolic link; otherwise empty. */
  link: string;
  /** For a hard link, the path of an earlier member with the same content; otherwise empty. */
  sameAs: string;
  device: { major: number; minor: number };
}

/** A result of {@link TarReader.read}: a member, then its content in chunks. */
export type TarPart = { entry: TarEntry } | { content: Buffer };

const BLOCK = 512;

/** Maximum bytes of a member's extended header. Paths and links have at most 4,096. */
const MAX_EXTENSION = 1024 * 1024;

/**
 * Decodes a tar archive that arrives in pieces (pax and GNU headers: pax(1), tar(5)). Libraries
 * decode names as UTF-8 and so lose other bytes.
 */
export class TarReader {
  #held: Buffer = Buffer.alloc(0);
  /** Bytes of the current member's content and padding that have not arrived yet. */
  #content = 0;
  #padding = 0;
  /** The extended header in progress: its type and size. */
  #extension: { type: string; size: number } | undefined;
  #attributes = new Map<string, Buffer>();
  #ended = false;

  /** True after the end-of-archive marker: without it the archive is truncated. */
  get isComplete(): boolean {
    return this.#ended;
  }

  /** @throws PortholeError TARGET for an invalid archive */
  *read(piece: Buffer): Generator<TarPart> {
    let rest: Buffer = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    while (!this.#ended) {
      if (this.#content > 0) {
        if (rest.length === 0) break;
        const content = rest.subarray(0, this.#content);
        this.#content -= content.length;
        rest = rest.subarray(content.length);
        yield { content };
      } else if (this.#padding > 0) {
        if (rest.length === 0) break;
        const skipped = Math.min(rest.length, this.#padding);
        this.#padding -= skipped;
        rest = rest.subarray(skipped);
      } else if (this.#extension !== undefined) {
        if (rest.length < this.#extension.size) break;
        this.#extend(this.#extension.type, rest.subarray(0, this.#extension.size));
        this.#padding = paddingOf(this.#extension.size);
        rest = rest.subarray(this.#extension.size);
        this.#extension = undefined;
      } else {
        if (rest.length < BLOCK) break;
        const entry = this.#header(rest.subarray(0, BLOCK));
        rest = rest.subarray(BLOCK);
        if (entry !== undefined) yield { entry };
      }
    }
    // Copies the rest, because a view would keep the whole piece in memory.
    this.#held = this.#ended ? Buffer.alloc(0) : Buffer.from(rest);
  }

  /** Decodes a header. Undefined for the end of the archive and for an extended header. */
  #header(header: Buffer): TarEntry | undefined {
    if (header[0] === 0 && header.every((byte) => byte === 0)) {
      this.#ended = true;
      return undefined;
    }
    checkSum(header);
    const type = String.fromCharCode(header[156] || 0x30);
    const size = number(header, 124, 12);
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (size > MAX_EXTENSION) throw invalid(`a header of ${size} bytes`);
      this.#extension = { type, size };
      return undefined;
    }
    const entry = this.#entry(header, type, size);
    this.#attributes = new Map();
    this.#content = entry.size;
    this.#padding = paddingOf(entry.size);
    return entry;
  }

  #entry(header: Buffer, type: string, size: number): TarEntry {
    const attribute = (name: string) => this.#attributes.get(name);
    const link = pathText(attribute("linkpath") ?? text(header, 157, 100));
    const format = TYPES[type] ?? constants.S_IFREG;
    const whole = (name: string, otherwise: number) => decimal(attribute(name)) ?? otherwise;
    // Links and devices may contain the size of the file that they refer to, without content.
    const hasContent = format === constants.S_IFREG && type !== "1";
    return {
      path: pathText(attribute("path") ?? pathOf(header)),
      mode: format | (number(header, 100, 8) & 0o7777),
      uid: whole("uid", number(header, 108, 8)),
      gid: whole("gid", number(header, 116, 8)),
      size: hasContent ? whole("size", size) : 0,
      mtime: nanoseconds(attribute("mtime")) ?? BigInt(number(header, 136, 12)) * 1_000_000_000n,
      link: type === "2" ? link : "",
      sameAs: type === "1" ? link : "",
      device: { major: number(header, 329, 8), minor: number(header, 337, 8) },
    };
  }

  #extend(type: string, bytes: Buffer): void {
    if (type === "L") this.#attributes.set("path", Buffer.from(text(bytes, 0, bytes.length)));
    else if (type === "K") this.#attributes.set("linkpath", Buffer.from(text(bytes, 0, bytes.length)));
    else if (type === "x") for (const [name, value] of records(bytes)) this.#attributes.set(name, value);
  }
}

/**
 * The content of the first regular file of an archive; undefined if there is none.
 * @throws PortholeError TARGET for an invalid archive
 */
export function firstFileOf(archive: Buffer): Buffer | undefined {
  let size: number | undefined;
  const pieces: Buffer[] = [];
  for (const part of new TarReader().read(archive)) {
    if ("content" in part) {
      if (size !== undefined) pieces.push(part.content);
    } else if (size !== undefined) break;
    else if ((part.entry.mode & constants.S_IFMT) === constants.S_IFREG && part.entry.sameAs === "")
      size = part.entry.size;
  }
  const content = Buffer.concat(pieces);
  return content.length === size ? content : undefined;
}

const TYPES: Readonly<Record<string, number>> = {
  "2": constants.S_IFLNK,
  "3": constants.S_IFCHR,
  "4": constants.S_IFBLK,
  "5": constants.S_IFDIR,
  "6": constants.S_IFIFO,
};

/** `LENGTH NAME=VALUE\n`, one after another (pax(1), "pax Extended Header"). */
function* records(bytes: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space === -1 ? undefined : decimal(bytes.subarray(at, space));
    const equals = bytes.indexOf(0x3d, space);
    const end = at + (length ?? 0) - 1;
    if (length === undefined || equals === -1 || equals > end || bytes[end] !== 0x0a) throw invalid("a pax record");
    yield [bytes.toString("latin1", space + 1, equals), Buffer.from(bytes.subarray(equals + 1, end))];
    at = end + 1;
  }
}

function pathOf(header: Buffer): Buffer {
  const name = text(header, 0, 100);
  // GNU archives have other fields instead of the prefix.
  const isPosix = header.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? text(header, 345, 155) : Buffer.alloc(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

/** Returns the bytes up to the first zero byte. */
function text(bytes: Buffer, at: number, length: number): Buffer {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

/** Decodes octal digits, or a binary number whose highest bit is set (GNU). */
function number(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = BigInt(first & 0x7f);
    for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid("a number that is too large");
    return Number(value);
  }
  const digits = field
    .toString("latin1")
    .replace(/[\0 ]+$/, "")
    .trimStart();
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw invalid("a number that is not octal");
  return Number.parseInt(digits, 8);
}

function decimal(bytes: Buffer | undefined): number | undefined {
  if (bytes === undefined) return undefined;
  const value = /^\d{1,16}$/.test(bytes.toString("latin1")) ? Number(bytes.toString("latin1")) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalid("a number that is not decimal");
  return value;
}

/** Seconds with a fraction. */
function nanoseconds(bytes: Buffer | undefined): bigint | undefined {
  if (bytes === undefined) return undefined;
  const [, sign, seconds, fraction = ""] = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(bytes.toString("latin1")) ?? [];
  if (seconds === undefined) throw invalid("a time");
  const value = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -value : value;
}

/** Checks the sum of the header's bytes, in which spaces replace the sum itself. */
function checkSum(header: Buffer): void {
  let sum = 8 * 0x20;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  if (number(header, 148, 8) !== sum) throw invalid("a header with a wrong checksum");
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function invalid(what: string): PortholeError {
  return new PortholeError("TARGET", `invalid archive from the engine: ${what}`);
}
