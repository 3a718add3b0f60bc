import { pathBytes, pathText } from "../../../../src/target.ts";

/** Size of a block. A longer name has a block of its own. */
const BLOCK = 1 << 16;

/** Size of the length before each name, and the limit of that length. */
const HEAD = 2;
const MAX_LENGTH = 0xffff;

/**
 * Names of many files as bytes, outside of V8's heap, and their order. As strings with a sort key
 * they took three times as much memory.
 */
export class PackedNames {
  readonly #blocks: Buffer[] = [];
  /** The position of each name: the block in the high 16 bits, the offset in the low ones. */
  #starts = new Uint32Array(64);
  #length = 0;
  /** Number of used bytes of the last block. */
  #used = BLOCK;

  get length(): number {
    return this.#length;
  }

  /** Writes a name as the name number {@link length}: {@link keep} adds it, the next one replaces it. */
  stage(name: string): void {
    const bytes = pathBytes(name).subarray(0, MAX_LENGTH);
    if ((this.#blocks.at(-1)?.length ?? 0) < this.#used + HEAD + bytes.length) {
      this.#blocks.push(Buffer.allocUnsafeSlow(Math.max(BLOCK, HEAD + bytes.length)));
      this.#used = 0;
    }
    const block = this.#blocks.at(-1) as Buffer;
    block.writeUInt16LE(bytes.length, this.#used);
    block.set(bytes, this.#used + HEAD);
    if (this.#length === this.#starts.length) {
      const more = new Uint32Array(2 * this.#length);
      more.set(this.#starts);
      this.#starts = more;
    }
    this.#starts[this.#length] = ((this.#blocks.length - 1) << 16) | this.#used;
  }

  /** Adds the staged name. Returns its number. */
  keep(): number {
    this.#used += HEAD + this.#size(this.#length);
    return this.#length++;
  }

  at(index: number): string {
    const { block, start } = this.#place(index);
    return pathText(block.subarray(start, start + this.#size(index)));
  }

  isEqual(one: number, other: number): boolean {
    const size = this.#size(one);
    if (size !== this.#size(other)) return false;
    const a = this.#place(one);
    const b = this.#place(other);
    return a.block.compare(b.block, b.start, b.start + size, a.start, a.start + size) === 0;
  }

  startsWith(index: number, prefix: Uint8Array): boolean {
    if (this.#size(index) < prefix.length) return false;
    const { block, start } = this.#place(index);
    for (let at = 0; at < prefix.length; at++) if (block[start + at] !== prefix[at]) return false;
    return true;
  }

  /** Orders names as naturalKey does, without a key: numbers by value, then by bytes. */
  compare(one: number, other: number): number {
    const a = this.#blocks[(this.#starts[one] as number) >>> 16] as Buffer;
    const b = this.#blocks[(this.#starts[other] as number) >>> 16] as Buffer;
    const aStart = ((this.#starts[one] as number) & 0xffff) + HEAD;
    const bStart = ((this.#starts[other] as number) & 0xffff) + HEAD;
    return compareNatural(a, aStart, aStart + sizeAt(a, aStart), b, bStart, bStart + sizeAt(b, bStart));
  }

  #size(index: number): number {
    const { block, start } = this.#place(index);
    return sizeAt(block, start);
  }

  #place(index: number): { block: Buffer; start: number } {
    const position = this.#starts[index] as number;
    return { block: this.#blocks[position >>> 16] as Buffer, start: (position & 0xffff) + HEAD };
  }
}

function sizeAt(block: Buffer, start: number): number {
  return (block[start - 2] as number) | ((block[start - 1] as number) << 8);
}

function compareNatural(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  let i = aStart;
  let j = bStart;
  while (i < aEnd && j < bEnd) {
    // Most names of a directory have a long prefix in common.
    const from = i;
    while (i < aEnd && j < bEnd && a[i] === b[j]) {
      i++;
      j++;
    }
    // A number is compared from its first digit.
    while (i > from && isDigit(a[i - 1] as number)) {
      i--;
      j--;
    }
    if (i === aEnd || j === bEnd) break;
    const x = a[i] as number;
    const y = b[j] as number;
    if (!isDigit(x) || !isDigit(y)) return x - y;
    const iDigits = significant(a, i, aEnd);
    const jDigits = significant(b, j, bEnd);
    i = endOfDigits(a, iDigits, aEnd);
    j = endOfDigits(b, jDigits, bEnd);
    const longer = i - iDigits - (j - jDigits) || compareBytes(a, iDigits, i, b, jDigits, j);
    if (longer !== 0) return longer;
  }
  // Equal numbers with a different number of leading zeros are ordered by all bytes.
  return i < aEnd ? 1 : j < bEnd ? -1 : compareBytes(a, aStart, aEnd, b, bStart, bEnd);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Returns the position of a number's first digit after its leading zeros. */
function significant(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (bytes[at] === 0x30 && at + 1 < end && isDigit(bytes[at + 1] as number)) at++;
  return at;
}

function endOfDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isDigit(bytes[at] as number)) at++;
  return at;
}

function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  for (let i = aStart, j = bStart; i < aEnd && j < bEnd; i++, j++) {
    const difference = (a[i] as number) - (b[j] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
