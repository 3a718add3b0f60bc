import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHUNK, chunkCounter } from "../../src/text/scan/chunk-counter.ts";
import { ChunkCounts } from "../../src/text/scan/chunk-counts.ts";
import { LineIndex } from "../../src/text/scan/line-index.ts";
import { Scan } from "../../src/text/scan/scan.ts";
import { BlockCache } from "../../src/text/sources/block-cache.ts";
import { MemorySource } from "./memory-source.ts";

function indexed(text: string, chunks = Number.POSITIVE_INFINITY) {
  const source = new MemorySource(text);
  const scan = new Scan(source, { kind: "newlines", encoding: "utf-8" }, () => {});
  const counter = chunkCounter(source, scan.query);
  for (let chunk = 0; chunk < Math.min(chunks, Math.ceil(source.end() / CHUNK)); chunk++)
    scan.counts.set(chunk, counter.count(chunk), source.end());
  return new LineIndex(scan, new BlockCache(source), "utf-8");
}

describe("LineIndex", () => {
  it("numbers lines and finds lines by number", () => {
    const index = indexed("a\nbb\n\nc");
    expect([0, 2, 5, 6].map((at) => index.before(at).count)).toEqual([0, 1, 2, 3]);
    expect([0, 1, 2, 3, 4].map((count) => index.offsetBehind(count))).toEqual([0, 2, 5, 6, undefined]);
  });

  it("works in every chunk of a file", () => {
    const row = `${"x".repeat(98)}\n`;
    const index = indexed(row.repeat(40_000));
    for (const line of [0, 1, 10_591, 10_592, 10_593, 21_183, 39_999]) {
      expect(index.before(line * 99)).toEqual({ count: line, isExact: true });
      expect(index.offsetBehind(line)).toBe(line * 99);
    }
    expect(index.offsetBehind(40_000)).toBe(40_000 * 99);
    expect(index.offsetBehind(40_001)).toBeUndefined();
  });

  it("estimates lines that are not counted yet, and reports the estimate", () => {
    const row = `${"x".repeat(99)}\n`;
    const index = indexed(row.repeat(40_000), 2);
    const { count, isExact } = index.before(3 * CHUNK + 1000);
    expect(isExact).toBe(false);
    expect(Math.abs(count - (3 * CHUNK + 1000) / 100)).toBeLessThan(5);
    expect(index.offsetBehind(35_000)).toBe("unknown");
    expect(index.offsetBehind(15_000)).toBe(1_500_000);
  });

  it("estimates lines from the bytes at their offset before any count", () => {
    const index = indexed(`${"x".repeat(999)}\n`.repeat(4000), 0);
    for (const offset of [3 * CHUNK + 500, 4_000_000]) {
      const { count, isExact } = index.before(offset);
      expect(isExact).toBe(false);
      expect(Math.abs(count - offset / 1000)).toBeLessThan(100);
    }
  });
});

describe("ChunkCounts", () => {
  it("adds up the known counts from the beginning, in any order of arrival", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { minLength: 1, maxLength: 200 }),
        fc.infiniteStream(fc.nat()),
        (hits, random) => {
          const counts = new ChunkCounts();
          const order = hits
            .map((_, chunk) => ({ chunk, key: random.next().value as number }))
            .sort((a, b) => a.key - b.key);
          const known = new Set<number>();
          for (const { chunk } of order) {
            counts.set(chunk, hits[chunk] ?? 0, hits.length * CHUNK);
            known.add(chunk);
            let sum = 0;
            let isKnown = true;
            for (let at = 0; at <= hits.length; at++) {
              expect(counts.before(at)).toBe(isKnown ? sum : undefined);
              isKnown &&= known.has(at);
              sum += hits[at] ?? 0;
            }
          }
          expect(counts.total).toBe(hits.reduce((a, b) => a + b, 0));
          expect(counts.knownBytes).toBe(hits.length * CHUNK);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("forgets dropped chunks", () => {
    const counts = new ChunkCounts();
    for (let chunk = 0; chunk < 4; chunk++) counts.set(chunk, 5, 4 * CHUNK);
    counts.dropBefore(2 * CHUNK + 10);
    expect([counts.count(0), counts.count(2), counts.count(3)]).toEqual([0, undefined, 5]);
    expect(counts.total).toBe(5);
    counts.set(2, 1, 4 * CHUNK);
    expect(counts.before(4)).toBe(6);
  });
});
