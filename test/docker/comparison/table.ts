import { readFileSync } from "node:fs";
import { repository } from "../../helpers/paths.ts";

/** One verdict of the comparison. */
export interface Cell {
  row: string;
  column: string;
  verdict: string;
}

/** Returns the comparison's table, cell by cell. */
export function comparedCells(): Cell[] {
  const section = between(readFileSync(`${repository}docs/comparison.md`, "utf8"), "## The table", "\n## ");
  const [head = [], , ...rows] = tableRows(section);
  return rows.flatMap(([row = "", ...verdicts]) =>
    verdicts.map((verdict, index) => ({ row, column: head[index + 1] ?? "", verdict })),
  );
}

/**
 * Returns the page's rules for the table: the verdicts that a cell may have, and the cells that no
 * test runs.
 */
export function documented(): {
  verdicts: string[];
  unrun: Omit<Cell, "verdict">[];
  rows: string[];
  columns: string[];
} {
  const page = readFileSync(`${repository}docs/comparison.md`, "utf8");
  const body = (heading: string) => tableRows(between(page, `\n## ${heading}`, "\n## ")).slice(2);
  const first = (heading: string) => body(heading).map(([cell = ""]) => cell);
  return {
    verdicts: first("The verdicts"),
    columns: first("The columns"),
    rows: first("The rows"),
    unrun: body("Not run").map(([row = "", column = ""]) => ({ row, column })),
  };
}

function between(text: string, start: string, end: string): string {
  const at = text.indexOf(start);
  if (at < 0) throw new Error(`no ${JSON.stringify(start.trim())} in it`);
  const rest = text.slice(at + start.length);
  return rest.includes(end) ? rest.slice(0, rest.indexOf(end)) : rest;
}

/**
 * Cells of every line of the table in `text`, including the line below the heading. Removes
 * emphasis from names.
 */
function tableRows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf("|"))
        .split("|")
        .map((cell) => cell.trim().replaceAll("**", "")),
    );
}
