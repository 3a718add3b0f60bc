import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineClock, mergeLines, type TimedLine } from "../../src/follow/lines/merge.ts";
import { ReorderWindow } from "../../src/follow/lines/reorder-window.ts";
import { firstLinesOffset, lastLinesOffset, readerOf, sizeByReading } from "../../src/follow/offsets/ends.ts";
import { sinceOffset, sinceSteps } from "../../src/follow/offsets/since.ts";

/** Parses `5 text` as a line with the time 5. */
const timeOf = (line: Uint8Array) => {
  const match = /^(\d+) /.exec(Buffer.from(line.subarray(0, 40)).toString());
  return match ? Number(match[1]) : undefined;
};

async function* placed(source: string, lines: string[]): AsyncGenerator<TimedLine<string>> {
  const clock = new LineClock(source, timeOf);
  for (const line of lines) yield clock.stamp(Buffer.from(line));
}

const text = (lines: TimedLine<string>[]) => lines.map(({ bytes }) => Buffer.from(bytes).toString());

describe("mergeLines", () => {
  it("orders by time, keeps the order of each source, and keeps lines without a time after their predecessor", async () => {
    const lines: TimedLine<string>[] = [];
    const a = placed("a", ["head a", "1 a", " of 1", "5 a", "3 a came late"]);
    const b = placed("b", ["2 b", " of 2", "5 b"]);
    for await (const line of mergeLines([a, b])) lines.push(line);
    expect(text(lines)).toEqual(["head a", "1 a", " of 1", "2 b", " of 2", "5 a", "5 b", "3 a came late"]);
  });
});

describe("mergeLines of many sources", () => {
  it("orders lines of equal time by their sources", async () => {
    const all = Array.from({ length: 300 }, (_, source) =>
      Array.from(
        { length: source % 5 },
        (_, line) => `${((source * 7 + line * 13) % 10) + line * 10} ${source}.${line}`,
      ),
    );
    const lines: TimedLine<string>[] = [];
    for await (const line of mergeLines(all.map((each, index) => placed(`${index}`, each)))) lines.push(line);
    const key = (line: string) => Number.parseInt(line, 10);
    const expected = all.flat().sort((a, b) => key(a) - key(b));
    expect(text(lines).map(key)).toEqual(expected.map(key));
    for (const [source, own] of all.entries())
      expect(text(lines).filter((line) => line.includes(` ${source}.`))).toEqual(own);
  });
});

describe("ReorderWindow", () => {
  const pair = () => [new LineClock("a", timeOf), new LineClock("b", timeOf)] as const;
  const bytes = (content: string) => Buffer.from(content);

  it("returns a line when the other sources were read after its arrival, and earlier lines first", () => {
    const window = new ReorderWindow<string>({ minMs: 2, maxMs: 250 });
    const [a, b] = pair();
    window.push(a.stamp(bytes("9 a")), 0);
    expect(window.due).toBe(2);
    expect(text(window.take(1, () => 1))).toEqual([]);
    expect(text(window.take(5, () => -1))).toEqual([]);
    window.push(b.stamp(bytes("5 b")), 5);
    window.push(b.stamp(bytes("20 b")), 6);
    expect(window.bytes).toBe(10);
    expect(text(window.take(7, (source) => (source === "a" ? 4 : 0)))).toEqual(["5 b", "9 a"]);
    expect(text(window.take(9, () => 9))).toEqual(["20 b"]);
    expect(window.due).toBeUndefined();
  });

  it("returns a line after the maximum time if another source is never read to its end", () => {
    const window = new ReorderWindow<string>({ minMs: 2, maxMs: 250 });
    window.push(pair()[0].stamp(bytes("9 a")), 0);
    expect(text(window.take(249, () => -1))).toEqual([]);
    expect(text(window.take(250, () => -1))).toEqual(["9 a"]);
  });

  it("holds lines longer after lines that came late, and gradually returns to the minimum", () => {
    const window = new ReorderWindow<string>({ minMs: 2, maxMs: 250 });
    const [a, b] = pair();
    for (let round = 0; round < 100; round++) {
      const time = 1_000_001 + round * 200;
      window.push(a.stamp(bytes(`${time + 10} a`)), time);
      window.take(time + 45);
      window.push(b.stamp(bytes(`${time} b`)), time + 50);
      window.take(time + 190);
    }
    const next = 2_000_001;
    window.push(a.stamp(bytes(`${next} a`)), next);
    expect(window.due).toBeGreaterThan(next + 30);
    expect(window.due).toBeLessThan(next + 51);
    for (let index = 1; index < 10_000; index++) window.push(a.stamp(bytes(`${next + index} a`)), next + index);
    window.take(Number.POSITIVE_INFINITY);
    window.push(a.stamp(bytes(`${next + 20_000} a`)), next + 20_000);
    expect(window.due).toBe(next + 20_002);
  });

  it("places a line without a time at its arrival, or with the previous line", () => {
    const window = new ReorderWindow<string>({ minMs: 0, maxMs: 0 });
    const [a, b] = pair();
    window.push(b.stamp(bytes("6 b"), 6), 0);
    window.push(a.stamp(bytes("untimed"), 5), 0);
    window.push(b.stamp(bytes(" of 6"), 99), 0);
    expect(text(window.take(0))).toEqual(["untimed", "6 b", " of 6"]);
  });
});

describe("offsets", () => {
  it("of the first and last lines are the same as after a split of the whole text, for reads of any size", () => {
    const files = fc.array(fc.constantFrom("", "a", "bc", "x".repeat(40_000)), { maxLength: 12 });
    fc.assert(
      fc.property(files, fc.boolean(), fc.nat(14), (lines, ended, count) => {
        const content = lines.join("\n") + (ended ? "\n" : "");
        const bytes = Buffer.from(content);
        const pieces = content.match(/[^\n]*\n|[^\n]+$/g) ?? [];
        const read = readerOf(bytes);
        const some = (position: number, buffer: Uint8Array) => read(position, buffer.subarray(0, 7_000));
        const behind = pieces.slice(Math.max(0, pieces.length - count)).join("").length;
        expect(lastLinesOffset(some, bytes.length, count, 10)).toBe(bytes.length - (count === 0 ? 0 : behind));
        expect(firstLinesOffset(some, bytes.length, count, 10)).toBe(pieces.slice(0, count).join("").length);
      }),
    );
  });

  it("of the end of a file without a size is found by reading", () => {
    for (const size of [0, 1, 65_535, 65_536, 65_537, 1_234_567])
      expect(sizeByReading(readerOf(new Uint8Array(size)))).toBe(size);
  });

  it.each([{ sorted: true }, { sorted: false }])(
    "of a time is the first line that is not earlier (sorted: $sorted)",
    ({ sorted }) => {
      const lines = Array.from({ length: 300_000 }, (_, n) => `${n} ${"x".repeat(n % 40)}\n${n % 7 ? "" : " more\n"}`);
      if (!sorted) lines.unshift("299999 first\n", "5 then\n");
      const bytes = Buffer.from(lines.join(""));
      let looked = 0;
      const counted = (line: Uint8Array) => {
        looked++;
        return timeOf(line);
      };
      const find = (time: number) => sinceOffset(readerOf(bytes), bytes.length, time, counted);
      expect(find(250_000)).toBe(sorted ? bytes.indexOf("\n250000 ") + 1 : 0);
      if (sorted) expect(looked).toBeLessThan(20_000);
      expect(find(0)).toBe(0);
      expect(find(300_000)).toBe(bytes.length);
    },
  );

  it("of a time is searched in steps of a few blocks, and no block is read repeatedly if no line has a timestamp", () => {
    const bytes = Buffer.from("no time\n".repeat(600_000));
    let all = 0;
    let inStep = 0;
    const read = (position: number, buffer: Uint8Array) => {
      const length = readerOf(bytes)(position, buffer);
      all += length;
      inStep += length;
      return length;
    };
    let most = 0;
    for (const _ of sinceSteps(read, bytes.length, 5, timeOf)) {
      most = Math.max(most, inStep);
      inStep = 0;
    }
    expect(most).toBeLessThanOrEqual(4 * 65_536);
    expect(all).toBeLessThan(3 * bytes.length);
  });

  it("of a time is undefined if no line has a timestamp", () => {
    const bytes = Buffer.from("a\nb\n");
    expect(sinceOffset(readerOf(bytes), bytes.length, 5, timeOf)).toBeUndefined();
  });
});
