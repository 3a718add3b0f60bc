import type { FileStat } from "../../../src/protocol/index.ts";
import { PackedStat, packStat, STAT_SIZE } from "../../ls/packed-stat.ts";

/** Number of stats in a block. */
const BLOCK = 1024;

interface Block {
  stats: DataView;
  /** 1 for each stat that is known. */
  known: Uint8Array;
}

/** Stats of many files, outside of V8's heap. As objects they take six times as much memory. */
export class PackedStats {
  readonly #blocks: Block[] = [];
  #count = 0;

  /** Adds the stat of the next file; undefined if it is not known. */
  add(stat: FileStat | undefined): void {
    const index = this.#count++ % BLOCK;
    if (index === 0)
      this.#blocks.push({ stats: new DataView(new ArrayBuffer(BLOCK * STAT_SIZE)), known: new Uint8Array(BLOCK) });
    const block = this.#blocks.at(-1);
    if (stat === undefined || block === undefined) return;
    packStat(block.stats, index * STAT_SIZE, stat);
    block.known[index] = 1;
  }

  /** Returns the stat of a file, which is decoded field by field when it is used. */
  at(index: number): FileStat | undefined {
    const block = this.#blocks[Math.floor(index / BLOCK)];
    const at = index % BLOCK;
    return block?.known[at] === 1 ? new PackedStat(block.stats, at * STAT_SIZE) : undefined;
  }
}
