import { render } from "ink-testing-library";
import { beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_THEME } from "../../cli/tui/canvas/theme.ts";
import { HistogramBars } from "../../cli/tui/ui/histogram-bars.tsx";
import type { HistogramState } from "../../cli/tui/view/histogram.ts";
import { Document } from "../../cli/tui/viewer/document/document.ts";
import { columnAt, histogramOf, type Tally } from "../../cli/tui/viewer/levels/histogram.ts";
import { LevelHistogram } from "../../cli/tui/viewer/levels/level-histogram.ts";
import { loadWidths } from "../../src/text/rows/width.ts";
import { describeWith } from "../helpers/availability.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { MemorySource } from "../text/memory-source.ts";
import { screenOfTest } from "./screen.ts";

beforeAll(loadWidths);

const record = (from: number, time: number | undefined, change: Partial<Tally> = {}): Tally => ({
  ...{ from, to: from, time, until: undefined, records: 1, errors: 0, warnings: 0, worstAt: undefined },
  ...change,
});

describe("the histogram", () => {
  it("shows records over time, with an empty bar for a time without records", () => {
    const tallies = [record(0, 0), record(10, 1), record(20, 9), record(30, 10, { errors: 1, worstAt: 30 })];
    const { bars, times } = histogramOf(tallies, 5, { start: 0, end: 40 });
    expect(times).toEqual({ first: 0, last: 10 });
    expect(bars.map(({ records }) => records)).toEqual([2, 0, 0, 0, 2]);
    expect(bars.map(({ errors }) => errors)).toEqual([0, 0, 0, 0, 1]);
    // A click on an empty bar jumps to the next record. A click on a bar with an error jumps to the
    // error.
    expect(bars.map(({ at }) => at)).toEqual([0, 20, 20, 20, 30]);
  });

  it("shows parts of the text if times are missing or do not ascend", () => {
    const range = { start: 100, end: 200 };
    const untimed = histogramOf([record(100, undefined), record(190, undefined)], 2, range);
    expect(untimed.times).toBeUndefined();
    expect(untimed.bars.map(({ records, from }) => [records, from])).toEqual([
      [1, 100],
      [1, 190],
    ]);
    const mixed = [record(100, 9), record(150, 1), record(190, 5)];
    expect(histogramOf(mixed, 2, range).times).toBeUndefined();
  });

  it("spreads a part of a sample over the bars of its time", () => {
    const part = record(0, 0, { to: 100, until: 10, records: 100, errors: 10, worstAt: 7 });
    const { bars } = histogramOf([part, record(100, 20, { to: 200, until: 20 })], 4, { start: 0, end: 200 });
    expect(bars.map(({ records }) => records)).toEqual([50, 50, 0, 1]);
    expect(bars.map(({ at }) => at)).toEqual([7, 50, 100, 100]);
  });

  it("finds the bar of a position", () => {
    const { bars } = histogramOf([record(0, 0), record(10, 5), record(20, 10)], 4, { start: 0, end: 30 });
    expect([0, 9, 10, 15, 20, 29].map((at) => columnAt({ bars, times: undefined }, at))).toEqual([0, 0, 2, 2, 3, 3]);
  });

  it.each([
    ["exactly", 30_000, false],
    ["by a sample", 90_000, true],
  ])("counts errors of a text %s", async (_how, lines, isSample) => {
    const row = (at: number) =>
      `2026-01-31 10:${String(Math.floor((at / lines) * 60)).padStart(2, "0")}:00 ${at > lines / 2 && at % 10 === 0 ? "ERROR" : "INFO "} ${"x".repeat(60)}\n`;
    const source = new MemorySource(Array.from({ length: lines }, (_, at) => row(at)).join(""));
    const document = new Document({ source, encoding: "utf-8", mark: 0 }, () => undefined);
    const levels = new LevelHistogram(document, () => undefined);
    await waitFor("the histogram", () => levels.of(20) !== undefined);
    const known = levels.of(20);
    levels.close();
    const bars = known?.histogram.bars ?? [];
    expect(known?.isSample).toBe(isSample);
    const errors = bars.map((bar) => bar.errors);
    expect(Math.abs(errors.reduce((a, b) => a + b) - lines / 20)).toBeLessThan(isSample ? lines / 200 : 2);
    expect(Math.max(...errors.slice(0, 9))).toBe(0);
    expect(Math.min(...errors.slice(11))).toBeGreaterThan(0);
  });
});

describe("the surface of the histogram", () => {
  const state = (change: Partial<HistogramState> = {}): HistogramState => ({
    ...{ column: 0, row: 10, width: 40, height: 5 },
    ...{ title: "Levels over time", summary: "errors 1  warnings 2", hint: "", first: "10:00:00", last: "11:00:00" },
    bars: Array.from({ length: 40 }, (_, at) => ({ records: at === 3 ? 24 : at < 20 ? 8 : 0, errors: 0, warnings: 0 })),
    at: 25,
    ...change,
  });
  const draw = (of: HistogramState) =>
    (render(<HistogramBars state={of} theme={DEFAULT_THEME} />).lastFrame() ?? "").split("\n");
  const plain = (rows: string[]) => rows.map((row) => row.replace(/\x1b\[[0-9;]*m/g, "").trimEnd());

  it("draws bars, the ends of the axis and the current position", () => {
    expect(plain(draw(state()))).toEqual([
      " Levels over time  errors 1  warnings 2",
      "   █",
      "   █",
      "█".repeat(20),
      `─ 10:00:00 ${"─".repeat(14)}▲${"─".repeat(3)} 11:00:00 ─`,
    ]);
  });

  it("omits an end of the axis if the position would hide a digit of it", () => {
    expect(plain(draw(state({ at: 2 }))).at(-1)).toBe(`──▲${"─".repeat(26)} 11:00:00 ─`);
  });

  it("colours a bar in proportion to its errors or warnings, at least one row", () => {
    const bars = [
      { records: 24, errors: 1, warnings: 0 },
      { records: 24, errors: 16, warnings: 0 },
      { records: 24, errors: 0, warnings: 1 },
    ];
    const rows = draw(state({ bars }));
    const colours = (row: string) => [...row.matchAll(/\x1b\[(\d+)m(█+)/g)].map(([, colour, text]) => [colour, text]);
    expect(colours(rows[1] ?? "")).toEqual([["2", "███"]]);
    expect(colours(rows[2] ?? "")).toEqual([
      ["2", "█"],
      ["31", "█"],
      ["2", "█"],
    ]);
    expect(colours(rows[3] ?? "")).toEqual([
      ["31", "██"],
      ["33", "█"],
    ]);
  });
});

describeWith("tmux", "the histogram on the screen", () => {
  const screen = screenOfTest();

  it("is shown below a text on request, and a click on a bar jumps to its first error", async () => {
    const row = (second: number) => {
      const time = new Date(Date.UTC(2026, 0, 31, 10, 0, second)).toISOString();
      return `${time} ${second >= 1800 && second < 1810 ? "ERROR" : "INFO"} event ${second}\n`;
    };
    await screen.open(screen.file("log", Array.from({ length: 3600 }, (_, second) => row(second)).join("")));
    screen.keys("H");
    await screen.waitFor("the bars", (text) => {
      const [title = "", , , , axis = ""] = text.split("\n").slice(17, 22);
      return title.includes("Levels over time  errors 10  warnings 0") && /^▲ 10:00:00 ─+ 10:59:59 ─$/.test(axis);
    });
    screen.type("\x1b[<0;41;20M");
    await screen.waitFor("the first error", (text) => (text.split("\n")[1] ?? "").endsWith("ERROR event 1800"));
    await screen.waitFor("the position", (text) => text.split("\n")[21]?.[40] === "▲");
    screen.keys("H");
    await screen.waitFor("the text alone", (text) => !text.includes("Levels over time"));
  });
});
