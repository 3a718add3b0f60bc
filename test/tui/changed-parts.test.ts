import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changedParts } from "../../cli/tui/canvas/changed-parts.ts";
import { ModelTerminal } from "./model-terminal.ts";

const COLUMNS = 60;

const drawn = (...rows: string[]) => {
  const terminal = new ModelTerminal(1, COLUMNS);
  for (const bytes of rows) terminal.write(bytes);
  return terminal.cells;
};

describe("changedParts", () => {
  it("turns any shown row into any other", () => {
    const style = fc.constantFrom(
      "",
      "\x1b[m",
      "\x1b[7m",
      "\x1b[m\x1b[31m",
      "\x1b[0;32m",
      "\x1b[0;1m",
      "\x1b[m\x1b[41m\x1b[1m",
    );
    const text = fc.constantFrom("", "a", "b", "éö", "─│", "0123456789", "0123456789".repeat(3));
    const row = fc
      .array(fc.tuple(style, text), { maxLength: 5 })
      .map((pieces) => `${pieces.map((piece) => piece.join("")).join("")}\x1b[m`)
      .filter((row) => row.replace(/\x1b\[[0-9;]*m/g, "").length <= COLUMNS);
    fc.assert(
      fc.property(row, row, (shown, next) => {
        const parts = changedParts(shown, next) ?? [];
        const moves = parts.map(({ column, text }) => `\x1b[1;${column + 1}H${text}`);
        expect(drawn(`\x1b[1;1H${shown}`, ...moves)).toEqual(drawn(`\x1b[1;1H${next}`));
      }),
      { numRuns: 2000 },
    );
  });

  it("returns the columns that differ, and joins near parts", () => {
    const row = (...digits: number[]) => digits.map((digit) => `${digit}${"=".repeat(29)}`).join("");
    expect(changedParts(row(1, 2), row(1, 2))).toEqual([]);
    expect(changedParts(row(1, 2), row(3, 4))).toEqual([
      { column: 0, text: "3" },
      { column: 30, text: "4" },
    ]);
    expect(changedParts("a=b", "c=d")).toEqual([{ column: 0, text: "c=d" }]);
    expect(changedParts("abc", "a")).toEqual([{ column: 1, text: "\x1b[K" }]);
  });

  it("draws a column of which only the style differs", () => {
    expect(changedParts("abc", "a\x1b[31mb\x1b[mc")).toEqual([{ column: 1, text: "\x1b[31mb\x1b[m" }]);
  });

  it("does not compare characters that may have two columns or none", () => {
    expect(changedParts("日", "月")).toBeUndefined();
    expect(changedParts("a", "e\u0301")).toBeUndefined();
  });
});
