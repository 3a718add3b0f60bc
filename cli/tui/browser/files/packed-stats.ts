import type { FileStat } from "../../../../src/protocol/index.ts";
import { PackedStat, packStat, STAT_SIZE } from "../../../ls/packed-stat.ts";

/** Number of stats in a block. */
const BLOCK = 1024;

/** Number of 32-bit words in a stat. */
const WORDS = STAT_SIZE / 4;

interface Block {
  stats: DataView;
  words: Uint32Array;
  /** 1 for each stat that is known. */
  known: Uint8Array;
}

/** Stats of many files, outside of V8's heap. As objects they take six times as much memory. */
export class PackedStats {
  readonly #blocks: Block[] = [];
  readonly #scratch = newBlock(1);

  /**
   * Sets the stat of a file; undefined if it is not known. True if it differs from the one before.
   * Numbers of files are consecutive.
   */
  set(index: number, stat: FileStat | undefined): boolean {
    const number = Math.floor(index / BLOCK);
    const block = this.#blocks[number] ?? newBlock(BLOCK);
    this.#blocks[number] = block;
    const at = index % BLOCK;
    if (stat === undefined) {
      const wasKnown = block.known[at] === 1;
      block.known[at] = 0;
      return wasKnown;
    }
    const { stats, words } = this.#scratch;
    packStat(stats, 0, stat);
    if (block.known[at] === 1 && isEqual(words, block.words, at * WORDS)) return false;
    block.words.set(words, at * WORDS);
    block.known[at] = 1;
    return true;
  }

  /** Returns the stat of a file, which is decoded field by field when it is used. */
  at(index: number): FileStat | undefined {
    const block = this.#blocks[Math.floor(index / BLOCK)];
    const at = index % BLOCK;
    return block?.known[at] === 1 ? new PackedStat(block.stats, at * STAT_SIZE) : undefined;
  }
}

function newBlock(count: number): Block {
  const bytes = new ArrayBuffer(count * STAT_SIZE);
  return { stats: new DataView(bytes), words: new Uint32Array(bytes), known: new Uint8Array(count) };
}

function isEqual(words: Uint32Array, others: Uint32Array, at: number): boolean {
  for (let word = 0; word < WORDS; word++) if (words[word] !== others[at + word]) return false;
  return true;
}
