import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { repository } from "../helpers/paths.ts";

// The peers' tests themselves are run by hand (CONTRIBUTING.md), because their sources are not
// here.
const page = readFileSync(`${repository}docs/compatibility.md`, "utf8");

function listed(name: string): string[] {
  const text = readFileSync(`${repository}test/peers/${name}-differences.json`, "utf8");
  return (JSON.parse(text) as { tests: string[] }[]).flatMap(({ tests }) => tests);
}

/** Returns the numbers of a row: all, passed, different as listed, and the others. */
function row(start: string): number[] {
  const line = page.split("\n").find((each) => each.startsWith(`| ${start}`)) ?? "";
  return line
    .split("|")
    .slice(2, -1)
    .map((cell) => Number(cell.trim().replace(",", "")));
}

test.each([
  ["tail-2/*.sh", listed("coreutils").filter((name) => !name.includes(":")).length],
  ["tests/*.rs", listed("ripgrep").length],
])("docs/compatibility.md counts the differences that are listed for %s", (start, count) => {
  const [all, same, different, others] = row(start) as [number, number, number, number];
  expect(different).toBe(count);
  expect(same + different + others).toBe(all);
});
