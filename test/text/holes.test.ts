import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { seekData } from "../../src/descriptors/files/seek.ts";
import { Lines, MAX_LINE } from "../../src/text/rows/lines.ts";
import { BLOCK, BlockCache } from "../../src/text/sources/block-cache.ts";
import type { ByteSource } from "../../src/text/sources/byte-source.ts";
import { ChainSource } from "../../src/text/sources/chain-source.ts";

const SIZE = 40 * MAX_LINE;

/**
 * Text at both ends, and data in the hole between them: at a block border, across a border, short
 * and long.
 */
const PIECES: [number, string][] = [
  [0, "first\nsecond\n"],
  [5 * MAX_LINE + 77, "in the middle\nof a hole"],
  [9 * MAX_LINE - 3, "a\nb\nc\nd"],
  [9 * MAX_LINE + BLOCK, "\n"],
  [20 * MAX_LINE + 5 * BLOCK - 1, `\n${"x".repeat(3 * BLOCK)}\n`],
  [SIZE - 12, "\nlast line\n\n"],
];

describe("holes", () => {
  const directory = mkdtempSync(`${tmpdir()}/porthole-holes-`);
  const fd = openSync(`${directory}/sparse`, "w+");
  let bytesRead = 0;
  beforeAll(() => {
    ftruncateSync(fd, SIZE);
    for (const [at, text] of PIECES) writeSync(fd, text, at);
  });
  afterAll(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });

  /** A source that reads every byte. */
  const plain: ByteSource = {
    start: () => 0,
    end: () => SIZE,
    read: (position, buffer) => readSync(fd, buffer, 0, buffer.length, position),
  };
  const chain = () => new ChainSource(fd, undefined, (position) => seekData(fd, position));
  const counted = (source: ChainSource): ByteSource => ({
    start: () => source.start(),
    end: () => source.end(),
    nextData: (position) => source.nextData(position),
    read: (position, buffer) => {
      const count = source.read(position, buffer);
      bytesRead += count;
      return count;
    },
  });
  const forward = (lines: Lines) => {
    const all: number[] = [];
    for (let line = lines.first(); line !== undefined; line = lines.next(line)) all.push(line);
    return all;
  };
  const backward = (lines: Lines) => {
    const all: number[] = [];
    for (let line = lines.last(); line !== undefined; line = lines.previous(line)) all.unshift(line);
    return all;
  };

  it.each(["utf-8", "utf-16le", "utf-16be"] as const)("do not change any line (%s)", (encoding) => {
    const expected = forward(new Lines(new BlockCache(plain), encoding));
    expect(expected.length).toBeGreaterThan(SIZE / MAX_LINE - 3);
    expect(forward(new Lines(new BlockCache(chain()), encoding))).toEqual(expected);
    expect(backward(new Lines(new BlockCache(chain()), encoding))).toEqual(expected);
    const lines = new Lines(new BlockCache(chain()), encoding);
    const reference = new Lines(new BlockCache(plain), encoding);
    for (let at = 1; at < SIZE; at += 98_765) expect(lines.at(at), `at ${at}`).toBe(reference.at(at));
  });

  it("are not read", () => {
    bytesRead = 0;
    const lines = new Lines(new BlockCache(counted(chain())));
    expect(forward(lines).length).toBe(backward(lines).length);
    // Reads the blocks with data once in each direction.
    expect(bytesRead).toBeLessThan(2 * 20 * BLOCK);
  });

  it("are found in each file of a chain, and end at the end of the file", () => {
    const source = chain();
    source.note("a note");
    const [note] = source.notes();
    expect(note?.at).toBe(SIZE);
    expect(source.nextData(SIZE + 2)).toBe(SIZE + 2);
    expect(source.nextData(2 * MAX_LINE)).toBeLessThanOrEqual(5 * MAX_LINE + 77);
    expect(source.nextData(2 * MAX_LINE)).toBeGreaterThan(4 * MAX_LINE);
    const other = openSync(`${directory}/other`, "w+");
    onTestFinished(() => closeSync(other));
    ftruncateSync(other, 3 * MAX_LINE);
    source.continueWith(other, 0, "next", (position) => seekData(other, position));
    const begins = source.offsetOf(0);
    expect(source.nextData(begins)).toBe(source.end());
    expect(source.end()).toBe(begins + 3 * MAX_LINE);
  });
});
