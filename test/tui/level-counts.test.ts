import { expect, it } from "vitest";
import { Document } from "../../cli/tui/viewer/document/document.ts";
import { LevelCounts } from "../../cli/tui/viewer/levels/level-counts.ts";
import { MemorySource } from "../text/memory-source.ts";

/** Counts the records of a text, and the reads for it. */
async function counted(text: string) {
  const source = new MemorySource(text);
  const document = new Document({ source, encoding: "utf-8", mark: 0 }, () => undefined);
  await new Promise<void>((resolve) => {
    counts = new LevelCounts(document, resolve);
    counts.go();
  });
  return { counts, reads: source.reads };
}
let counts: LevelCounts;

it("counts the records of a small text by level, without their continuation lines", async () => {
  const { counts } = await counted(
    "2026-01-31 10:00:00 ERROR a\n  at ERROR\n2026-01-31 10:00:01 INFO b\n2026-01-31 10:00:02 c\n",
  );
  expect([counts.of(["fatal", "error"]), counts.of(["info", "none"]), counts.of(["warn"])]).toEqual([1, 2, 0]);
  expect(counts.isEstimate).toBe(false);
});

it("estimates a large text from a sample", async () => {
  const row = (at: number) => `2026-01-31 10:00:00 ${at % 10 === 0 ? "ERROR" : "INFO "} ${"x".repeat(72)}\n`;
  const lines = 60_000;
  const { counts, reads } = await counted(Array.from({ length: lines }, (_, at) => row(at)).join(""));
  expect(counts.isEstimate).toBe(true);
  const errors = counts.of(["error"]) ?? 0;
  expect(errors).toBeGreaterThan(0.9 * (lines / 10));
  expect(errors).toBeLessThan(1.1 * (lines / 10));
  // The sample has 64 parts, each in two or three blocks.
  expect(reads).toBeLessThan(64 * 3 + 20);
});
