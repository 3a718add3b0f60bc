import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJsonLine } from "../../src/text/records/json-line.ts";
import { CHUNK, chunkCounter, type Query } from "../../src/text/scan/chunk-counter.ts";
import type { FoldedLines } from "../../src/text/scan/is-folded.ts";
import { MemorySource } from "./memory-source.ts";

/** Returns the numbers of the lines that match, from 0. */
function found(lines: readonly string[], pattern: string, change: Partial<Extract<Query, { kind: "lines" }>> = {}) {
  const source = new MemorySource(lines.map((line) => `${line}\n`).join(""));
  const match = { patterns: [pattern] };
  const counter = chunkCounter(source, { kind: "lines", encoding: "utf-8", match, folded: "all", ...change });
  const hits = new Set<number>();
  for (let chunk = 0; chunk * CHUNK < source.end(); chunk++) for (const at of counter.positions(chunk)) hits.add(at);
  let at = 0;
  return lines.flatMap((line, index) => {
    const isHit = hits.has(at);
    at += Buffer.byteLength(line) + 1;
    return isHit ? [index] : [];
  });
}

const LINES = [
  '{"ts":1769853600000,"level":50,"msg":"cannot \\"open\\" it","path":"\\/api\\/users","n":7}',
  '{"ts":1769853601000,"level":"warning","msg":"slow","path":"/health","n":71}',
  "INFO plain",
  '\x1b[36mweb |\x1b[0m {"level":"error","msg":"pr\\u00fcfen"}',
];

describe("a search of folded JSON", () => {
  it.each([
    ["ERROR", [0, 3]],
    ["WARN", [1]],
    ["ERROR cannot", [0]],
    ['cannot "open" it', [0]],
    ["path=/api/users n=7$", [0]],
    ["2026-01-31T10:00:0", [0, 1]],
    ["10:00:01", [1]],
    ["n=7", [0, 1]],
    ["prüfen", [3]],
    ["web \\| ERROR", [3]],
    ["slow", [1]],
    ["INFO", [2]],
    ['"level":"warning"', [1]],
    ["absent", []],
  ])("finds '%s' in the lines that show it, or contain it", (pattern, expected) => {
    expect(found(LINES, pattern)).toEqual(expected);
  });

  it("finds only what is in the file if lines are not folded, or begin with another source", () => {
    expect(found(LINES, "ERROR", { folded: undefined })).toEqual([]);
    const web: FoldedLines = [Buffer.from("\x1b[36mweb |\x1b[0m ")];
    expect(found(LINES, "ERROR", { folded: web })).toEqual([3]);
  });

  it("matches case-insensitively, and inverts", () => {
    expect(found(LINES, "error CANNOT", { match: { patterns: ["error CANNOT"], ignoreCase: true } })).toEqual([0]);
    expect(found(LINES, "ERROR", { invert: true })).toEqual([1, 2]);
    expect(found(LINES, "ERROR", { encoding: "latin1" })).toEqual([0, 3]);
  });

  it("finds every part of every summary", () => {
    const word = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom("error", "Info", "req-12345", "2026", "a/b", "é"),
    );
    const line = fc.record(
      {
        time: fc.oneof(fc.integer({ min: 1_600_000_000, max: 1_900_000_000 }), word),
        level: fc.oneof(fc.constantFrom(10, 20, 30, 40, 50, 60, "warn", "E", "crit"), word),
        msg: word,
        id: fc.oneof(word, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
        nested: fc.record({ a: word }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        (objects, one, from, length) => {
          const lines = objects.map((object) => JSON.stringify(object));
          const index = one % lines.length;
          const { summary = "" } = readJsonLine(lines[index] ?? "") ?? {};
          const start = from % Math.max(1, summary.length);
          const part = summary.slice(start, start + 1 + (length % 6));
          // A line break in a string is shown as a symbol, which no pattern matches.
          fc.pre(part !== "" && part.isWellFormed() && !/[\r\n]/.test(part));
          const match = { patterns: [part], fixed: true };
          expect(found(lines, part, { match })).toContain(index);
          const ignoring = { patterns: [part.toLowerCase()], fixed: true, ignoreCase: true };
          if (/^[\x20-\x7e]*$/.test(part)) expect(found(lines, part, { match: ignoring })).toContain(index);
        },
      ),
      { numRuns: 300 },
    );
  });
});
