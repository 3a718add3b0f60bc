import type { FileStat } from "../../../src/protocol/index.ts";

/** Number of stats in a block. */
const BLOCK = 1024;

/** Fields of a stat in 64 bits; a time is there as seconds. */
const WIDE = ["size", "blocks", "inode", "mountId", "atime", "mtime", "ctime", "btime"] as const;
/** Fields in 32 bits, the nanoseconds of the times, and flags. */
const NARROW = ["mode", "links", "uid", "gid", "major", "minor", "rmajor", "rminor"] as const;
const NANOSECONDS = NARROW.length;
const FLAGS = NANOSECONDS + 4;
const NARROW_SIZE = FLAGS + 1;

const IS_KNOWN = 1;
const IS_RELAYED = 2;
const HAS_BTIME = 4;

const SECOND = 1_000_000_000n;

interface Block {
  wide: BigInt64Array;
  narrow: Uint32Array;
}

/**
 * Stats of many files, in 116 bytes each outside of V8's heap. As objects, with their bigints, they
 * take four times as much.
 */
export class PackedStats {
  readonly #blocks: Block[] = [];
  #count = 0;

  /** Adds the stat of the next file; undefined if it is not known. */
  add(stat: FileStat | undefined): void {
    const index = this.#count++;
    if (index % BLOCK === 0)
      this.#blocks.push({
        wide: new BigInt64Array(BLOCK * WIDE.length),
        narrow: new Uint32Array(BLOCK * NARROW_SIZE),
      });
    const block = this.#blocks.at(-1);
    if (stat && block) write(stat, block, index % BLOCK);
  }

  /** Returns the stat of a file, which is decoded field by field when it is used. */
  at(index: number): FileStat | undefined {
    const block = this.#blocks[Math.floor(index / BLOCK)];
    if (block === undefined) return undefined;
    const stat = new PackedStat(block, index % BLOCK);
    return stat.isKnown ? stat : undefined;
  }
}

function write(stat: FileStat, { wide, narrow }: Block, index: number): void {
  const { size, blocks, inode, mountId, atime, mtime, ctime, btime = 0n } = stat;
  const { mode, links, uid, gid, device, rdev } = stat;
  const times = [atime, mtime, ctime, btime].map((time) => {
    const nanoseconds = ((time % SECOND) + SECOND) % SECOND;
    return { seconds: (time - nanoseconds) / SECOND, nanoseconds: Number(nanoseconds) };
  });
  wide.set([size, blocks, inode, mountId, ...times.map(({ seconds }) => seconds)], index * WIDE.length);
  const flags = IS_KNOWN | (stat.relayed ? IS_RELAYED : 0) | (stat.btime === undefined ? 0 : HAS_BTIME);
  narrow.set(
    [
      ...[mode, links, uid, gid, device.major, device.minor, rdev.major, rdev.minor],
      ...times.map(({ nanoseconds }) => nanoseconds),
      flags,
    ],
    index * NARROW_SIZE,
  );
}

class PackedStat implements FileStat {
  readonly #block: Block;
  readonly #index: number;

  constructor(block: Block, index: number) {
    this.#block = block;
    this.#index = index;
  }

  get isKnown(): boolean {
    return (this.#narrow(FLAGS) & IS_KNOWN) !== 0;
  }
  get mode(): number {
    return this.#narrow(NARROW.indexOf("mode"));
  }
  get links(): number {
    return this.#narrow(NARROW.indexOf("links"));
  }
  get uid(): number {
    return this.#narrow(NARROW.indexOf("uid"));
  }
  get gid(): number {
    return this.#narrow(NARROW.indexOf("gid"));
  }
  get size(): bigint {
    return this.#unsigned("size");
  }
  get blocks(): bigint {
    return this.#unsigned("blocks");
  }
  get inode(): bigint {
    return this.#unsigned("inode");
  }
  get device(): { major: number; minor: number } {
    return { major: this.#narrow(NARROW.indexOf("major")), minor: this.#narrow(NARROW.indexOf("minor")) };
  }
  get rdev(): { major: number; minor: number } {
    return { major: this.#narrow(NARROW.indexOf("rmajor")), minor: this.#narrow(NARROW.indexOf("rminor")) };
  }
  get mountId(): bigint {
    return this.#unsigned("mountId");
  }
  get atime(): bigint {
    return this.#time("atime", 0);
  }
  get mtime(): bigint {
    return this.#time("mtime", 1);
  }
  get ctime(): bigint {
    return this.#time("ctime", 2);
  }
  get btime(): bigint | undefined {
    return (this.#narrow(FLAGS) & HAS_BTIME) === 0 ? undefined : this.#time("btime", 3);
  }
  get relayed(): boolean {
    return (this.#narrow(FLAGS) & IS_RELAYED) !== 0;
  }

  #narrow(field: number): number {
    return this.#block.narrow[this.#index * NARROW_SIZE + field] ?? 0;
  }

  #wide(field: (typeof WIDE)[number]): bigint {
    return this.#block.wide[this.#index * WIDE.length + WIDE.indexOf(field)] ?? 0n;
  }

  #unsigned(field: (typeof WIDE)[number]): bigint {
    return BigInt.asUintN(64, this.#wide(field));
  }

  #time(field: (typeof WIDE)[number], index: number): bigint {
    return this.#wide(field) * SECOND + BigInt(this.#narrow(NANOSECONDS + index));
  }
}
