import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { repository } from "../helpers/paths.ts";

// test/docker/comparison.test.ts tries the cells of the first table.
const text = readFileSync(`${repository}docs/comparison.md`, "utf8");

/** Returns the rows of the first table of a section, without its heading, as cells. */
function table(title: string): string[][] {
  const section = text.slice(text.indexOf(`\n## ${title}\n`) + 1);
  const lines = section.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  const cells = lines.slice(start, start + length).map((line) => line.split("|").slice(1, -1));
  return cells.filter((_, index) => index !== 1).map((row) => row.map((cell) => cell.trim()));
}

const [columns = [], ...rows] = table("Tools that cannot be run by the tests");
const claims = rows.filter(([name = ""]) => !name.startsWith("**"));
const tested = table("Tests of porthole's column").slice(1);

describe("the comparison with tools that the tests cannot run", () => {
  test("has a test for each row in which porthole is compared, and rows in which it loses", () => {
    expect(tested.map(([row]) => row)).toEqual(claims.map(([row]) => row));
    expect(rows.filter(([, ours]) => ours === "no").length).toBeGreaterThanOrEqual(4);
  });

  test.each(tested)("the tests of the row '%s' exist", (_row, cell = "") => {
    const links = [...cell.matchAll(/\[([^\]]+)\]\(\.\.\/(test\/[^)]+)\)/g)];
    expect(links.length).toBeGreaterThan(0);
    for (const [, title = "", path = ""] of links) {
      expect(existsSync(repository + path), path).toBe(true);
      expect(readFileSync(repository + path, "utf8").includes(title), title).toBe(true);
    }
  });

  test("has a verdict in each cell, and a source for each column and each verdict other than a plain one", () => {
    const sources = [...text.matchAll(/^(\d)\. \[([^\]]+)\]\(https:/gm)].map(([, number]) => number);
    expect(sources).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    for (const [name, ...cells] of rows) {
      expect([name, cells.length]).toEqual([name, columns.length - 1]);
      for (const cell of cells) expect([name, cell]).not.toEqual([name, ""]);
      for (const [, number] of cells.join("|").matchAll(/\[(\d)\]/g)) expect(sources).toContain(number);
    }
    // Each tool has a source of its own: its number stands in its column at least once.
    columns.slice(2).forEach((column, index) => {
      expect([column, rows.some((row) => row[index + 2]?.includes(`[${index + 1}]`))]).toEqual([column, true]);
    });
  });
});
