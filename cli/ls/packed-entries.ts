import type { FileStat } from "../../src/protocol/index.ts";
import type { DirectoryEntry } from "../../src/sessions/index.ts";
import { pathBytes, pathText } from "../../src/target.ts";
import { PackedStat, packStat, STAT_SIZE } from "./packed-stat.ts";

/**
 * Entries of a directory as bytes: stat, header, name and link of each entry in turn. As objects, a
 * million entries took 1 to 3 GB, and a hostile agent could make any command use that much.
 */
export class PackedEntries {
  #chunks: Chunk[] = [];
  /** The current chunk, and the number of its used bytes. */
  #last = -1;
  #used = 0;
  /** The position of each name: the chunk number in the high bits, the offset in the low bits. */
  #starts = new Uint32Array(16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add({ name, type, stat, link }: Pick<DirectoryEntry, "name" | "type" | "stat" | "link">): void {
    const linkBytes = link === undefined ? NOTHING : pathBytes(link);
    const statSize = stat === undefined ? 0 : STAT_SIZE;
    // A UTF-16 code unit needs at most three bytes of UTF-8.
    const { bytes, view } = this.#room(statSize + HEAD + 3 * name.length + linkBytes.length);
    if (stat !== undefined) packStat(view, this.#used, stat);
    const start = this.#used + statSize + HEAD;
    const nameLength = writeName(bytes, start, name);
    bytes.set(linkBytes, start + nameLength);
    view.setUint16(start + NAME_LENGTH, nameLength, true);
    view.setUint16(start + LINK_LENGTH, linkBytes.length, true);
    view.setUint8(start + TYPE, type);
    view.setUint8(start + FLAGS, (stat === undefined ? 0 : HAS_STAT) | (link === undefined ? 0 : HAS_LINK));
    this.#used = start + nameLength + linkBytes.length;
    if (this.#length === this.#starts.length) {
      const more = new Uint32Array(2 * this.#length);
      more.set(this.#starts);
      this.#starts = more;
    }
    this.#starts[this.#length++] = (this.#last << SHIFT) | start;
  }

  /**
   * Removes all entries. Keeps the memory of a directory of usual size for the next directory.
   * Allocating it again would cost a third of the time of a listing.
   */
  clear(): void {
    this.#chunks = this.#chunks.slice(0, KEPT);
    if (this.#length > USUAL) this.#starts = new Uint32Array(USUAL);
    this.#last = -1;
    this.#length = 0;
  }

  name(index: number): string {
    const { bytes, start, nameLength } = this.#entry(index);
    return pathText(bytes.subarray(start, start + nameLength));
  }

  link(index: number): string | undefined {
    const { bytes, view, start, nameLength } = this.#entry(index);
    if ((view.getUint8(start + FLAGS) & HAS_LINK) === 0) return undefined;
    const from = start + nameLength;
    return pathText(bytes.subarray(from, from + view.getUint16(start + LINK_LENGTH, true)));
  }

  /** `d_type` of getdents64(2). */
  type(index: number): number {
    const position = this.#starts[index] as number;
    return (this.#chunks[position >>> SHIFT] as Chunk).view.getUint8((position & (CHUNK - 1)) + TYPE);
  }

  stat(index: number): FileStat | undefined {
    const position = this.#starts[index] as number;
    const { view } = this.#chunks[position >>> SHIFT] as Chunk;
    const start = position & (CHUNK - 1);
    return (view.getUint8(start + FLAGS) & HAS_STAT) === 0 ? undefined : new PackedStat(view, start - HEAD - STAT_SIZE);
  }

  /** Returns a byte of a name; -1 after the end of the name. */
  byteOfName(index: number, at: number): number {
    // This function runs about ten times per entry during a sort.
    const position = this.#starts[index] as number;
    const { bytes } = this.#chunks[position >>> SHIFT] as Chunk;
    const start = position & (CHUNK - 1);
    return at < nameLengthAt(bytes, start) ? (bytes[start + at] as number) : -1;
  }

  /**
   * Returns the length of the common prefix of two names, at most `max`. The first `from` bytes are
   * known to be equal.
   */
  commonPrefix(one: number, other: number, from: number, max: number): number {
    const position = this.#starts[one] as number;
    const otherPosition = this.#starts[other] as number;
    const { bytes } = this.#chunks[position >>> SHIFT] as Chunk;
    const { bytes: otherBytes } = this.#chunks[otherPosition >>> SHIFT] as Chunk;
    const start = position & (CHUNK - 1);
    const otherStart = otherPosition & (CHUNK - 1);
    const end = Math.min(max, nameLengthAt(bytes, start), nameLengthAt(otherBytes, otherStart));
    let at = from;
    while (at < end && bytes[start + at] === otherBytes[otherStart + at]) at++;
    return at;
  }

  #entry(index: number): PackedEntry {
    const at = this.#starts[index] as number;
    const { bytes, view } = this.#chunks[at >>> SHIFT] as Chunk;
    const start = at & (CHUNK - 1);
    return { bytes, view, start, nameLength: view.getUint16(start + NAME_LENGTH, true) };
  }

  #room(size: number): Chunk {
    const last = this.#chunks[this.#last];
    if (last !== undefined && last.bytes.length - this.#used >= size) return last;
    this.#last++;
    this.#used = 0;
    const kept = this.#chunks[this.#last];
    if (kept !== undefined && kept.bytes.length >= size) return kept;
    // Starts with a small chunk, because most directories are small.
    const bytes = Buffer.allocUnsafeSlow(
      Math.max(size, this.#last < KEPT + 2 ? FIRST_CHUNK << (2 * this.#last) : CHUNK),
    );
    const chunk = { bytes, view: new DataView(bytes.buffer) };
    this.#chunks[this.#last] = chunk;
    return chunk;
  }
}

interface Chunk {
  bytes: Buffer;
  view: DataView;
}

interface PackedEntry extends Chunk {
  start: number;
  nameLength: number;
}

/**
 * A chunk is larger than the longest entry: a name, and a link of 64 KiB. Positions address 2^32
 * bytes of chunks; a directory is limited to a tenth of that. Under a memory limit (RLIMIT_DATA)
 * the allocation of a chunk fails early, while the rest of the program still has memory. If the
 * program itself ran out of memory, it would end without a message.
 */
const SHIFT = 25;
const CHUNK = 1 << SHIFT;
const FIRST_CHUNK = 1 << 12;
/** Number of chunks that stay allocated, and number of entries in a directory of usual size. */
const KEPT = 5;
const USUAL = 4096;
const NOTHING = new Uint8Array(0);

/** Size of the header before a name, and the offsets of its fields relative to the name. */
const HEAD = 6;
const [NAME_LENGTH, LINK_LENGTH, TYPE, FLAGS] = [-6, -4, -2, -1];
const [HAS_STAT, HAS_LINK] = [1, 2];

function nameLengthAt(bytes: Buffer, start: number): number {
  return (bytes[start + NAME_LENGTH] as number) | ((bytes[start + NAME_LENGTH + 1] as number) << 8);
}

/** @returns the number of bytes written */
function writeName(bytes: Buffer, at: number, name: string): number {
  if (name.isWellFormed()) return bytes.write(name, at, "utf8");
  const exact = pathBytes(name);
  bytes.set(exact, at);
  return exact.length;
}
