import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHUNK, chunkCounter, type Query } from "../../src/text/scan/chunk-counter.ts";
import { Hits } from "../../src/text/scan/hits.ts";
import { MemorySource } from "./memory-source.ts";

const LINES: Query = { kind: "lines", encoding: "utf-8", match: { patterns: ["b"] } };
const OTHERS: Query = { ...LINES, invert: true };
const RECORDS: Query = { kind: "selection", encoding: "utf-8", areRecords: true, match: { patterns: ["b"] } };
const LEVELS: Query = { kind: "selection", encoding: "utf-8", areRecords: true, levels: ["error"] };

/** Returns the hits of the whole source in a new search. */
function searched(source: MemorySource, query: Query): number[] {
  const counter = chunkCounter(source, query);
  return chunksOf(source).flatMap((chunk) => counter.positions(chunk));
}

function chunksOf(source: MemorySource): number[] {
  return Array.from({ length: Math.ceil(source.end() / CHUNK) }, (_, chunk) => chunk);
}

/** Appends bytes, and updates the hits as a frame does. */
async function append(source: MemorySource, hits: Hits, text: string): Promise<void> {
  source.bytes = Buffer.concat([source.bytes, Buffer.from(text)]);
  hits.grown();
  await Promise.resolve();
}

async function growing(text: string, query: Query): Promise<{ source: MemorySource; hits: Hits }> {
  const source = new MemorySource(text);
  const hits = new Hits(source, query, () => {});
  for (const chunk of chunksOf(source)) hits.lookHere(chunk * CHUNK);
  await Promise.resolve();
  return { source, hits };
}

describe("Hits of a source that grows", () => {
  it("finds the same as a new search, for writes that end at any byte", async () => {
    const piece = fc.constantFrom("2026-01-31 10:00:00 ", "INFO a", "ERROR b", "\n", "\n", "\tat b", "b", "20", "");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(piece, { maxLength: 6 }), { minLength: 2, maxLength: 8 }),
        fc.constantFrom(LINES, OTHERS, RECORDS, LEVELS),
        async ([first = [], ...more], query) => {
          const { source, hits } = await growing(`x\n${first.join("")}`, query);
          for (const pieces of more) {
            await append(source, hits, pieces.join(""));
            const expected = searched(source, query);
            expect(hits.positions(0)).toEqual(expected);
            expect(hits.scan.counts.total).toBe(expected.length);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ["record", RECORDS, "2026-01-31 10:00:00 ERROR a\n\tat a\n", "\tat b\n"],
    ["line", LINES, "a a a a a", " b\n"],
  ])("shows a %s whose part beyond the border of a chunk is written later", async (_name, query, begin, rest) => {
    const filler = "2026-01-31 10:00:00 INFO a\n";
    const room = CHUNK - begin.length;
    const text = filler.repeat(Math.floor(room / filler.length));
    const pad = `${"2026-01-31 10:00:00 INFO a".padEnd(room - text.length - 1, "a")}\n`.slice(-(room - text.length));
    const { source, hits } = await growing(text + pad + begin, query);
    expect(source.end()).toBe(CHUNK);
    expect(hits.scan.counts.total).toBe(0);

    await append(source, hits, rest);

    expect(hits.near(source.end(), "backward")).toBe(searched(source, query).at(-1));
    expect(hits.scan.counts.total).toBe(searched(source, query).length);
    expect(hits.near(room, "forward")).toBe(room);
  });

  it("reads the last record and the bytes after it, not the chunk", async () => {
    const { source, hits } = await growing("2026-01-31 10:00:00 INFO a\n".repeat(30_000), RECORDS);
    source.reads = 0;
    for (let write = 0; write < 10; write++) {
      await append(source, hits, "2026-01-31 10:00:01 ERROR b\n");
      expect(hits.near(source.end(), "backward")).toBe(source.end() - 28);
    }
    expect(hits.scan.counts.total).toBe(10);
    // A search of the chunk reads 13 blocks.
    expect(source.reads).toBeLessThan(10 * 13);
  });
});
