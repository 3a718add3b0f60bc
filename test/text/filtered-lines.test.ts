import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Lines } from "../../src/text/rows/lines.ts";
import { CHUNK } from "../../src/text/scan/chunk-counter.ts";
import { FilteredLines } from "../../src/text/scan/filtered-lines.ts";
import { Hits } from "../../src/text/scan/hits.ts";
import { BlockCache } from "../../src/text/sources/block-cache.ts";
import { MemorySource } from "./memory-source.ts";

function filtered(text: string, pattern: string, { context = 0, invert = false, knows = true } = {}) {
  const source = new MemorySource(text);
  const lines = new Lines(new BlockCache(source));
  const match = { patterns: [pattern] };
  const hits = new Hits(source, { kind: "lines", encoding: "utf-8", match, invert }, () => {});
  const chunks = Math.ceil(source.end() / CHUNK);
  if (knows)
    for (let chunk = 0; chunk < chunks; chunk++)
      hits.scan.counts.set(chunk, hits.positions(chunk).length, source.end());
  return { space: new FilteredLines(lines, hits, context), hits, source };
}

function forward(space: FilteredLines): number[] {
  const all: number[] = [];
  for (let at = space.first(); at !== undefined; at = space.next(at)) all.push(at);
  return all;
}

function backward(space: FilteredLines): number[] {
  const all: number[] = [];
  for (let at = space.last(); at !== undefined; at = space.previous(at)) all.push(at);
  return all.reverse();
}

describe("FilteredLines", () => {
  it("contains the matching lines, or the others", () => {
    const text = "a1\nb2\na3\nb4\n";
    expect(forward(filtered(text, "a").space)).toEqual([0, 6]);
    expect(forward(filtered(text, "a", { invert: true }).space)).toEqual([3, 9]);
    expect(forward(filtered(text, "x").space)).toEqual([]);
    expect(filtered(text, "x").space.at(3)).toBeUndefined();
  });

  it("searches a constantly growing source once for all rows of a frame", async () => {
    const text = "a\nb\n".repeat(1000);
    const source = new MemorySource(text);
    source.end = () => {
      source.bytes = Buffer.concat([source.bytes, Buffer.from("a\n")]);
      return source.bytes.length;
    };
    const hits = new Hits(source, { kind: "lines", encoding: "utf-8", match: { patterns: ["a"] } }, () => {});
    hits.scan.counts.set(0, 1000, text.length);
    const space = new FilteredLines(new Lines(new BlockCache(new MemorySource(text))), hits, 0);
    const found = hits.positions(0).length;
    source.reads = 0;

    expect(forward(space).length).toBeGreaterThanOrEqual(1000);
    expect(source.reads).toBe(0);

    await Promise.resolve();
    expect(hits.positions(0).length).toBeGreaterThan(found);
  });

  it("finds the nearest visible line", () => {
    const { space } = filtered("a1\nb2\nb3\na4\nb5\n", "a");
    expect([0, 4, 8, 9, 14].map((at) => space.at(at))).toEqual([0, 0, 0, 9, 9]);
    expect([space.has(0), space.has(3)]).toEqual([true, false]);
  });

  it("distinguishes context lines from matching lines", () => {
    const { space } = filtered("1\n2\na\n4\n5\n", "a", { context: 1 });
    expect(forward(space)).toEqual([2, 4, 6]);
    expect([space.isHit(2), space.isHit(4)]).toEqual([false, true]);
  });

  it("ends before text that is not scanned yet", () => {
    const { space, hits, source } = filtered(`a\n${"b\n".repeat(CHUNK)}a\n`, "a", { knows: false });
    expect(forward(space)).toEqual([]);
    hits.scan.counts.set(0, 1, source.end());
    expect(space.at(0)).toBe(0);
    expect(space.next(0)).toBeUndefined();
  });

  it("returns the same lines in both directions, with any context", () => {
    const kinds = fc.array(fc.constantFrom("a", "b", "b", "b"), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(kinds, fc.nat(3), fc.boolean(), (rows, context, invert) => {
        const expected = rows.flatMap((_, index) => {
          const near = rows.slice(Math.max(0, index - context), index + context + 1);
          return near.some((row) => (row === "a") !== invert) ? [index * 2] : [];
        });
        const { space } = filtered(rows.map((row) => `${row}\n`).join(""), "a", { context, invert });
        expect(forward(space)).toEqual(expected);
        expect(backward(space)).toEqual(expected);
        for (const line of expected) expect(space.at(line)).toBe(line);
      }),
      { numRuns: 200 },
    );
  });
});
